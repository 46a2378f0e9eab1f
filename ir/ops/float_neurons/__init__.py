"""Neurons that `Lif` and `Leaky` are not: they run in the source's arithmetic, chips have no integers for them."""
