"""TAAF-SNN's network: two spiking branches, their alignment and fusion, and the losses that balance them."""
