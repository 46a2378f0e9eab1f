"""Neurons that a model writes out in its forward: a state, what happens to it at every step, and a comparison that fires."""
