"""How a process model states the type of a port."""

from dataclasses import dataclass
from typing import Any

from lava.magma.core.model.py.ports import PyInPort, PyOutPort

@dataclass
class LavaPyType:
    cls: type[PyInPort | PyOutPort]
    d_type: type[Any]
    precision: int | None = None
