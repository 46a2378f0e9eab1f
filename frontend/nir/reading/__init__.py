"""NIR files and graphs as networks of checked nodes, before any meaning of time."""
