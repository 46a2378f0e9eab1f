"""The way of a network through the passes, once or, where the host works in between, phase by phase."""
