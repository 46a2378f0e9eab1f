"""
The number type that a module computes in, which is that of its graph: float32, or float64. What is no such number is refused.

Modules in half precision are refused: sums of 11 bits depend on the order in which a library adds, so that no other program fires
alike. In float32 their weights are what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import Sum, TimeSum
from ir.types import SPIKE

HALF = (torch.float16, torch.bfloat16)
CASTS = ("bool", "int", "long", "short", "byte", "to", "type", "type_as")
"""Functions that may make whole numbers."""
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
    """
    Inputs as numbers of the dtype that a module computes in; ids stay what they are.

    Raises:
        CompileError: an input is no array of real numbers with an axis of samples, or as `dtype_of`.
    """
    for name, value in inputs.items():
        check_real(f"example input {name}", value, "import.inputs")
        if value.ndim == 0:
            what = f"example input {name} is a single number"
            raise CompileError("import.inputs", what, hint="an input has axes of steps and samples, (T, B, ...)")
    dtype = dtype_of(module, inputs.values())
    return {name: value if takes_ids(module, value) else value.to(dtype) for name, value in inputs.items()}


def check_real(name: str, tensor: torch.Tensor, rule: str) -> None:
    """CompileError of `rule` where a tensor is none of real numbers that lie in memory one by one."""
    hint = "convert it with .to_dense() or .dequantize()"
    kind = f"{tensor.layout}".removeprefix("torch.")
    if isinstance(tensor, UninitializedParameter | UninitializedBuffer) or tensor.is_meta:
        kind, hint = "without values", "run the module once, or load weights"
    elif tensor.is_quantized or tensor.is_nested or tensor.layout is not torch.strided:
        kind = "quantised" if tensor.is_quantized else "nested" if tensor.is_nested else kind
    elif tensor.is_complex():
        kind, hint = "complex", "split it into real numbers with torch.view_as_real"
    else:
        return
    raise CompileError(rule, f"{name} is {kind}", hint=hint)


def check_parameters(module: nn.Module, name: str, where: str) -> None:
    """Refuse parameters and statistics that are no real numbers in memory, or NaN, or infinite."""
    for key, value in module.state_dict().items():
        if not isinstance(value, torch.Tensor):  # what a module keeps beside its parameters
            continue
        check_real(f"parameter {key} of {name}", value, "model.parameters")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            what = f"parameter {key} of {name} holds NaN or infinite values"
            raise CompileError("model.finite", what, where=where, hint="train or load it again")


def check_dtype(recorder: Recorder, name: str, made: torch.Tensor, value: str) -> None:
    """
    CompileError where a function makes floats of another dtype than the module's, or casts to whole numbers what is none.

    Args:
        made: the function's result, which holds the IR value.
    """
    if made.is_floating_point():
        if made.dtype is not recorder.dtype:
            what = f"{name} makes {made.dtype} of {recorder.dtype}"
            raise CompileError("import.dtype", what, hint="a network computes in one dtype; convert the module")
        return
    kept = recorder.node(value).type.domain == SPIKE or (made.dtype is not torch.bool and _is_count(recorder, value))
    if name in CASTS and not kept:
        what = f"{name} casts computed numbers to {made.dtype}"
        raise CompileError("import.dtype", what, hint="spikes can be cast, and counts of them to integers")


def _is_count(recorder: Recorder, value: str) -> bool:
    """Whether a value is a sum of spikes."""
    node = recorder.node(value)
    if node.type.domain.kind in ("spike", "count"):
        return True
    weight = getattr(node.op, "factor", 1.0) * getattr(node.op, "weight", 1.0)
    adds = isinstance(node.op, Sum | TimeSum) or node.op.family == "routing"
    return adds and weight == 1 and bool(node.inputs) and all(_is_count(recorder, read) for read in node.inputs)
