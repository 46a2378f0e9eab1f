"""
Runs a torch module on example inputs and writes down what it computes as an IR graph.

Concrete tracing: the module runs on real tensors, every torch function that touches a value computed from the inputs goes
through `FUNCTION_RULES`, and neurons through `NEURON_RULES`. What has no rule is an error with the module's path; nothing is
left out in silence. (torch.fx cannot see shapes, which layers and attention branch on.)
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from frontend.recording.recorder import Recorder
from frontend.tracing.session import Session
from frontend.type_guards import is_list, is_mapping, is_tuple
from ir.errors import CompileError
from ir.graph import Graph
from ir.verify import verify

_BATCHES = (3, 5, 7)
"""Traced batch sizes: the first that is not the number of steps, so that the two axes cannot be confused."""


def trace_module(
    module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int, name: str
) -> Graph:
    """
    The module's computation as a graph of level `source`.

    Args:
        module: in eval mode; neurons take the whole window at once, or one step per call of a loop in `forward`.
        example: input by parameter name of `forward`: (B, ...) if static, else (T, B, ...); any B.
        static: the inputs without a time axis.
        steps: T, the number of steps of a window.
        name: of the graph.

    Raises:
        CompileError: for inputs that do not fit and for anything that cannot be imported.
    """
    try:
        _check_call(module, example, static, steps)
        graph = _trace(module, example, static, steps, name)
    except CompileError as error:
        raise CompileError(
            error.rule, error.what, where=error.where or type(module).__name__, hint=error.hint
        ) from error.__cause__
    verify(graph, "source")
    return graph


def _trace(
    module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int, name: str
) -> Graph:
    batch = next(size for size in _BATCHES if size != steps)
    parameters = _parameters(
        module
    )  # held, as states among them are replaced while the module runs: no id is used twice
    session = Session(module, Recorder(name, steps, batch, {id(tensor): key for key, tensor in parameters}))
    inputs = {key: session.input(key, tensor, key in static) for key, tensor in example.items()}
    result = session.run(inputs)
    return session.recorder.build({key: session.output(key, value) for key, value in named_outputs(result).items()})


def _check_call(module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int) -> None:
    """CompileError where the module is not ready, or the example does not fit its forward."""
    if module.training:
        raise CompileError("import.training", "the module is in training mode", hint="call module.eval() first")
    if steps < 1:
        raise CompileError("import.steps", f"a window of {steps} steps", hint="give T >= 1")
    accepted = inspect.signature(module.forward).parameters
    unknown = [key for key in example if key not in accepted]
    missing = [key for key, item in accepted.items() if item.default is item.empty and key not in example]
    if unknown or (missing and not any(item.kind is item.VAR_KEYWORD for item in accepted.values())):
        raise CompileError(
            "import.inputs",
            f"forward takes {', '.join(accepted)}; the example gives {', '.join(example)}",
            hint="name the example inputs like the parameters of forward",
        )
    for key, tensor in example.items():
        _check_input(key, tensor, key in static, steps)


def _check_input(key: str, tensor: object, static: bool, steps: int) -> None:
    """CompileError where an example input is not (T, B, ...) or (B, ...) of finite float32 numbers, or of ids in int64."""
    if not isinstance(tensor, torch.Tensor) or tensor.dtype not in (torch.float32, torch.int64):
        raise CompileError(
            "import.inputs", f"example input {key} is not a float32 tensor", hint="convert it with .float()"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise CompileError("import.inputs", f"example input {key} holds NaN or infinity")
    if not static and (tensor.ndim < 2 or tensor.shape[0] != steps):
        raise CompileError(
            "import.inputs",
            f"example input {key} has shape {tuple(tensor.shape)}, not ({steps}, B, ...)",
            hint="time comes first; name inputs without time in STATIC_INPUTS",
        )
    if tensor.ndim < 1 or 0 in tensor.shape:
        raise CompileError("import.inputs", f"example input {key} of shape {tuple(tensor.shape)} is empty")


def _parameters(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters and buffers by name; of several names of one the first comes last."""
    named = [*module.named_parameters(), *module.named_buffers()]
    return list(reversed(named))


def _is_pair_with_state(result: Any) -> bool:
    """Whether a result is (output, list of neuron states), states being named tuples, None or lists of them."""
    if not (is_tuple(result) and len(result) == 2 and is_list(result[1])):
        return False
    return all(part is None or hasattr(part, "_fields") or isinstance(part, list) for part in result[1])


def named_outputs(result: Any) -> dict[str, torch.Tensor]:
    """
    The outputs of a forward pass by name: a dict's keys, a named tuple's fields, output0, output1, ..., or output.

    Of Norse's pairs (output, state) the state of the neurons is no output.
    """
    result = result[0] if _is_pair_with_state(result) else result
    if isinstance(result, torch.Tensor):
        return {"output": result}
    table: dict[str, Any]
    if is_mapping(result):
        table = {str(key): value for key, value in result.items()}
    elif hasattr(result, "_fields"):
        table = dict(zip(result._fields, result, strict=True))
    elif is_tuple(result) or is_list(result):
        table = {f"output{place}": value for place, value in enumerate(result)}
    else:
        table = {"output": result}
    for key, value in table.items():
        if not isinstance(value, torch.Tensor):
            raise CompileError(
                "import.outputs", f"output {key} is a {type(value).__name__}", hint="return tensors only"
            )
    return table
