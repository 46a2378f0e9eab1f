"""Models of LIF neurons."""

from lava.magma.core.model.py.model import PyLoihiProcessModel

class PyLifResetModelBitAcc(PyLoihiProcessModel): ...
