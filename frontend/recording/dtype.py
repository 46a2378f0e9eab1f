"""
The number type that a module computes in, which is that of its graph: float32, or float64.

Modules in half precision are refused: sums of 11 bits depend on the order in which a library adds, so that no other program fires
alike. In float32 their weights are what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn

from ir.errors import CompileError

HALF = (torch.float16, torch.bfloat16)
IDS = torch.int64
"""What rows of an embedding are looked up by."""


def dtype_of(module: nn.Module, inputs: Iterable[torch.Tensor] = ()) -> torch.dtype:
    """
    The dtype of a module's parameters and buffers; where it has none, that of its inputs, float32 for whole numbers.

    Raises:
        CompileError: for a module in half precision.
    """
    own = [tensor.dtype for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()]
    half = next((dtype for dtype in own if dtype in HALF), None)
    if half is not None:
        what = f"the module computes in {half}, where the order of a sum decides its last bits"
        hint = "compile module.float(): its weights stay what they are, its sums are no longer rounded"
        raise CompileError("import.dtype", what, hint=hint)
    double = torch.float64 in (own or [tensor.dtype for tensor in inputs])
    return torch.float64 if double and own[:1] != [torch.float32] else torch.float32


def takes_ids(module: nn.Module, tensor: torch.Tensor) -> bool:
    """Whether an input is ids that a module looks up, and no numbers that it computes with."""
    return tensor.dtype is IDS and any(isinstance(child, nn.Embedding) for child in module.modules())


def in_dtype_of(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Inputs as numbers of the dtype that a module computes in; ids stay what they are. CompileError as `dtype_of`."""
    dtype = dtype_of(module, inputs.values())
    return {name: value if takes_ids(module, value) else value.to(dtype) for name, value in inputs.items()}
