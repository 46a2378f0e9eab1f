"""Of scipy's optimization what finds the fewest hops."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array

_Array = np.ndarray[Any, Any]

class Bounds:
    def __init__(self, lb: float, ub: float) -> None: ...

class LinearConstraint:
    def __init__(self, A: csr_array, lb: _Array, ub: _Array) -> None: ...

class OptimizeResult:
    x: _Array | None
    message: str

def milp(
    c: _Array, *, integrality: _Array, bounds: Bounds, constraints: LinearConstraint, options: dict[str, float]
) -> OptimizeResult: ...
