"""
The Lava backend: the chip part of a network as Lava processes with the semantics of Loihi, run under Lava's own runtime.

Lava itself is imported only when an engine is built, so that a Python without it can still compile for other targets.
"""
