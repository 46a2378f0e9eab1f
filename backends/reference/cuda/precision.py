"""float32 products that are float32: TF32, which a program may have switched on for its own networks, would round integers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def whole_float32() -> Generator[None]:
    """
    Switches TF32 off inside, and back to what it was.

    Newer versions of torch have two names for the switch, and products that raise where the two disagree: the old one sets
    both, and the new one is set back after it.
    """
    matmul: Any = torch.backends.cuda.matmul
    new = getattr(matmul, "fp32_precision", None)
    try:
        old = torch.get_float32_matmul_precision()
    except RuntimeError:  # they disagree: the program used the new name alone
        old = "highest"
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(old)
        if new is not None:
            matmul.fp32_precision = new
