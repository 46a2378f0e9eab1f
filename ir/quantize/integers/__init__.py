"""The integers of populations: the chip's own neurons, and those of chips whose neurons run programs."""
