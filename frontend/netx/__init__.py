"""
lava-dl's networks: the `.net` files that SLAYER exports and netx loads, and SLAYER's torch modules themselves.

They are integers already, Loihi's own, and become a deployment whose chip part is at level quantized: nothing is lowered or
rounded. The format and its meaning: lava-dl 0.6.0, `slayer.block.base` (what is written) and `netx.hdf5` (what is read).
"""
