"""A network that finds no memory as a whole, run piece by piece."""
