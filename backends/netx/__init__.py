"""
Files that lava-dl's `netx.hdf5.Network` loads as Lava processes: `file.net_file` writes the chip's integers into one.

The way there: `levels` puts the populations in layers, each of which reads the one before; `dense` and `images` say a layer's
synapses, `neurons` its neurons; `timing` finds when each layer starts, and what the file must be loaded with. The format was read
in lava-dl 0.6.0, `netx.hdf5` and `netx.blocks.process`.
"""
