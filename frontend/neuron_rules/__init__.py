"""Neurons that are imported whole, a file per framework."""
