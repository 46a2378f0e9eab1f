"""Why the membrane of a neuron that is written out is no value."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from frontend.tracing.written.comparisons import plain_name
from ir.errors import CompileError

CLAMPS = ("relu", "relu6", "hardtanh", "clamp", "clip", "clamp_min", "clamp_max", "max", "maximum", "min", "minimum")


def used_as_value(name: str = "") -> CompileError:
    """Of a membrane that the function of that name takes, "" where none is known."""
    if plain_name(name) in CLAMPS:
        return CompileError(
            "import.state",
            f"the membrane of a neuron that is written out is clamped ({name}) by something that is not constant",
            hint="clamp it by numbers, or tensors that do not depend on the input",
        )
    return CompileError(
        "import.state",
        f"the membrane of a neuron that is written out is used as a value{name and f' ({name})'}",
        hint="read out its spikes, or use a neuron of a framework",
    )


def check_dtype(name: str, read: Iterable[torch.Tensor], result: torch.Tensor, dtype: torch.dtype) -> None:
    """CompileError where a membrane, among those that are read, is cast to whole numbers or another dtype than the module's."""
    rounded = not result.is_floating_point() and any(tensor.is_floating_point() for tensor in read)
    if rounded or (result.is_floating_point() and result.dtype is not dtype):
        what = f"the membrane of a neuron that is written out is cast to {result.dtype} ({name})"
        raise CompileError("import.state", what, hint="compare it with a number; spikes may be cast")
