"""Neurons that `Lif` and `Leaky` are not, in the source's arithmetic. Which of them have integers: docs/neurons.md."""
