"""The unit of a population: what it must hold, and which it is."""
