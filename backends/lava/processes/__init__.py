"""Lava process classes and their models, alone in their directory: Lava executes every file beside the one that defines a process."""
