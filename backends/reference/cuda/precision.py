"""float32 products that are float32: TF32, which a program may have switched on for its own networks, would round integers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def whole_float32() -> Generator[None]:
    """Switches TF32 off inside, and back to what it was."""
    matmul: Any = torch.backends.cuda.matmul
    name, off = ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)
    before = getattr(matmul, name)
    setattr(matmul, name, off)
    try:
        yield
    finally:
        setattr(matmul, name, before)
