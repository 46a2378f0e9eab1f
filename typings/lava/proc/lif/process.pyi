"""LIF neurons."""

from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess

class LIFReset(AbstractProcess):
    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        du: float = 0,
        dv: float = 0,
        bias_mant: float | np.ndarray[Any, Any] = 0,
        bias_exp: float | np.ndarray[Any, Any] = 0,
        vth: float = 10,
        reset_interval: int = 1,
        reset_offset: int = 0,
    ) -> None: ...
