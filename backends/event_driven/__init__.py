"""Products computed event by event, for the engines that compute layers: work only for inputs that are active."""
