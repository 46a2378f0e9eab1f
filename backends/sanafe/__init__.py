"""
A third engine: SANA-FE, a simulator of Loihi-like chips (https://github.com/SLAM-Lab/SANA-FE), in a process of its own.

It is under the GPL, so nothing here imports it. `emit.py` makes of a chip graph a flat list of neurons and synapses,
`exchange.py` lets a command run it, with files in between, and `engine.py` makes a trace of the spikes that come back.
"""
