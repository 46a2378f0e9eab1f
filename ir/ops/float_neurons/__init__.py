"""Neurons that `Lif` and `Leaky` are not, in the source's arithmetic. Chips have integers for `FixedPointLif` alone."""
