"""Ports of process models in Python: their kinds."""

class PyInPort:
    VEC_DENSE: type[PyInPort]

class PyOutPort:
    VEC_DENSE: type[PyOutPort]
