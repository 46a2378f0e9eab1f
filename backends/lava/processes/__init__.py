"""Lava process classes and their models, alone here: Lava executes every file beside the one that defines a process."""
