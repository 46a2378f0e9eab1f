"""Of Triton the decorator of kernels."""

from collections.abc import Callable
from typing import Any

class JITFunction:
    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., Any]: ...

def jit(fn: Callable[..., None]) -> JITFunction: ...
