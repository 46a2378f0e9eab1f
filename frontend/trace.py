"""
Runs a torch module on example inputs and writes down what it computes as an IR graph.

Concrete tracing: the module runs on real tensors, every torch function that touches a value computed from the inputs goes
through `FUNCTION_RULES`, and neurons through `NEURON_RULES`. What has no rule is an error with the module's path; nothing is
left out in silence. (torch.fx cannot see shapes, which layers and attention branch on.)
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from frontend.function_rules import FUNCTION_RULES, function_name
from frontend.function_rules.queries import LIKE, QUERIES, RANDOM, VALUES
from frontend.layout import BATCH, TIME, View, is_plain
from frontend.neuron_probe import probe
from frontend.recorder import Recorder, node_name
from frontend.rules import NEURON_RULES, neuron_rule, qualified_name
from frontend.taint import Taint
from ir.errors import CompileError
from ir.graph import Graph
from ir.types import REAL, SPIKE, Type
from ir.verify import verify

_BATCHES = (3, 5, 7)
"""Traced batch sizes: the first that is not the number of steps, so that the two axes cannot be confused."""


def trace_module(
    module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int, name: str
) -> Graph:
    """
    The module's computation as a graph of level `source`.

    Args:
        module: in eval mode; SpikingJelly neurons in multi-step mode.
        example: input by parameter name of `forward`: (B, ...) if static, else (T, B, ...); any B.
        static: the inputs without a time axis.
        steps: T, the number of steps of a window.
        name: of the graph.

    Raises:
        CompileError: for inputs that do not fit and for anything that cannot be imported.
    """
    _check_call(module, example, static, steps)
    batch = next(size for size in _BATCHES if size != steps)
    session = _Session(module, Recorder(name, steps, batch, _parameter_names(module)))
    inputs = {key: session.input(key, tensor, key in static) for key, tensor in example.items()}
    result = session.run(inputs)
    outputs = {key: session.output(key, value) for key, value in named_outputs(result).items()}
    graph = session.recorder.build(outputs)
    verify(graph, "source")
    return graph


def _check_call(module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int) -> None:
    if module.training:
        raise CompileError("import.training", "the module is in training mode", hint="call module.eval() first")
    if steps < 1:
        raise CompileError("import.steps", f"a window of {steps} steps", hint="give T >= 1")
    accepted = inspect.signature(module.forward).parameters
    unknown = [key for key in example if key not in accepted]
    missing = [key for key, item in accepted.items() if item.default is item.empty and key not in example]
    if unknown or (missing and not any(item.kind is item.VAR_KEYWORD for item in accepted.values())):
        raise CompileError("import.inputs", f"forward takes {', '.join(accepted)}; the example gives {', '.join(example)}",
                           hint="name the example inputs like the parameters of forward")  # fmt: skip
    for key, tensor in example.items():
        _check_input(key, tensor, key in static, steps)


def _check_input(key: str, tensor: torch.Tensor, static: bool, steps: int) -> None:
    if not isinstance(tensor, torch.Tensor) or tensor.dtype is not torch.float32:
        raise CompileError(
            "import.inputs", f"example input {key} is not a float32 tensor", hint="convert it with .float()"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise CompileError("import.inputs", f"example input {key} holds NaN or infinity")
    if not static and (tensor.ndim < 2 or tensor.shape[0] != steps):
        raise CompileError("import.inputs", f"example input {key} has shape {tuple(tensor.shape)}, not ({steps}, B, ...)",
                           hint="time comes first; name inputs without time in STATIC_INPUTS")  # fmt: skip
    if tensor.ndim < 1 or 0 in tensor.shape:
        raise CompileError("import.inputs", f"example input {key} of shape {tuple(tensor.shape)} is empty")


def _parameter_names(module: nn.Module) -> dict[int, str]:
    named = [*module.named_parameters(), *module.named_buffers()]
    return {id(tensor): name for name, tensor in reversed(named)}


def named_outputs(result: Any) -> dict[str, torch.Tensor]:
    """The outputs of a forward pass by name: a dict's keys, a named tuple's fields, output0, output1, ..., or output."""
    if isinstance(result, torch.Tensor):
        return {"output": result}
    if isinstance(result, Mapping):
        table = {str(key): value for key, value in result.items()}
    elif hasattr(result, "_fields"):
        table = dict(zip(result._fields, result, strict=True))
    elif isinstance(result, (tuple, list)):
        table = {f"output{place}": value for place, value in enumerate(result)}
    else:
        table = {"output": result}
    for key, value in table.items():
        if not isinstance(value, torch.Tensor):
            raise CompileError(
                "import.outputs", f"output {key} is a {type(value).__name__}", hint="return tensors only"
            )
    return table


class _Session(TorchFunctionMode):
    """One run of the module under observation."""

    def __init__(self, module: nn.Module, recorder: Recorder) -> None:
        super().__init__()
        self.module, self.recorder = module, recorder
        self._paths = {id(child): path for path, child in reversed(list(module.named_modules(remove_duplicate=False)))}
        self._views: dict[int, tuple[torch.Tensor, View]] = {}
        self._stack: list[str] = []
        self._neurons = 0
        self._taint = Taint()

    def input(self, key: str, tensor: torch.Tensor, static: bool) -> torch.Tensor:
        """The example resized to the traced batch, known as a graph input."""
        axis = 0 if static else 1
        batch = self.recorder.batch
        tensor = tensor.detach().index_select(axis, torch.arange(batch) % tensor.shape[axis]).clone()
        spikes = not static and bool(((tensor == 0) | (tensor == 1)).all())
        shape = tuple(tensor.shape[axis + 1 :])
        view = self.recorder.input(key, Type(shape, SPIKE if spikes else REAL, 1.0, static))
        self._know(tensor, view)
        return tensor

    def run(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The module's result on the inputs, every step written down."""
        before = register_module_forward_pre_hook(self._enter)
        after = register_module_forward_hook(self._leave)
        try:
            with torch.no_grad(), self._taint, self:
                return self.module(**inputs)
        except CompileError as error:
            raise CompileError(error.rule, error.what, error.where or self._where(), error.hint) from error
        except Exception as error:
            raise CompileError(
                "import.forward", f"the model raised {type(error).__name__}: {error}", self._where()
            ) from error
        finally:
            before.remove()
            after.remove()

    def output(self, key: str, tensor: torch.Tensor) -> str:
        """The IR value of an output, which must be (T, B, ...) or (B, ...)."""
        view = self._view_of(tensor)
        if view is None:
            raise CompileError("import.outputs", f"output {key} does not depend on the inputs", self._where())
        kinds = [[axis.kind for axis in dim] for dim in view.dims]
        outer = 2 if self.recorder.is_timed(view) else 1
        if kinds[:outer] != ([[TIME], [BATCH]] if outer == 2 else [[BATCH]]):
            raise CompileError("import.outputs", f"output {key} is {view}", hint="return it as (T, B, ...) or (B, ...)")
        self.recorder.path, self.recorder.function = "", node_name(key)
        return self.recorder.in_order(view).value

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = function_name(func)
        if self._neurons or name in QUERIES:
            return func(*args, **kwargs)
        if name in RANDOM:
            raise CompileError("import.random", f"{name} is random", hint="a deployed network must be deterministic")
        traced = [
            leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor) and self._view_of(leaf)
        ]
        if not traced:
            return func(*args, **kwargs)
        if name in LIKE:
            result = func(*args, **kwargs)
            self._taint.clear(result)
            return result
        return self._apply(name, func, args, kwargs)

    def _apply(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function on values that depend on the input, and write it down by its rule."""
        _check_function(name)
        result = func(*args, **kwargs)
        self.recorder.function = name.strip("_")
        seen = tree_map(self._seen, (args, kwargs))
        try:
            views = FUNCTION_RULES[name](self.recorder, *seen[0], **seen[1])
        except TypeError as error:
            raise CompileError("import.arguments", f"cannot import this use of {name}: {error}") from error
        pairs = [(result, views)] if isinstance(views, View) else list(zip(result, views, strict=True))
        for tensor, view in pairs:
            assert tuple(tensor.shape) == view.shape, f"{name}: torch made {tuple(tensor.shape)}, the rule says {view}"
            self._know(tensor, view)
        return result

    def _seen(self, leaf: Any) -> Any:
        """An argument as the rules see it."""
        if not isinstance(leaf, torch.Tensor):
            return leaf
        view = self._view_of(leaf)
        return leaf if view is None else view

    def _view_of(self, tensor: torch.Tensor) -> View | None:
        """What is known of a tensor: None for a constant. CompileError if it depends on the input in an unseen way."""
        entry = self._views.get(id(tensor))
        if entry is not None:
            return entry[1]
        if self._taint.reaches(tensor):
            raise CompileError("import.hidden", "uses a value that was computed from the input where tracing cannot follow",
                               hint="state of neurons, scripted functions and custom kernels cannot be imported")  # fmt: skip
        return None

    def _know(self, tensor: torch.Tensor, view: View) -> None:
        self._views[id(tensor)] = (tensor, view)
        self._taint.mark(tensor)

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if self._neurons:
            self._neurons += 1
            return
        parent = self._stack[-1] if self._stack else ""
        self._stack.append(self._paths.get(id(module), f"{parent}.{type(module).__name__}".lstrip(".")))
        self.recorder.path = self._stack[-1]
        if neuron_rule(module) is not None:
            self._neurons = 1

    def _leave(self, module: nn.Module, args: tuple[Any, ...], result: Any) -> None:
        if self._neurons > 1:
            self._neurons -= 1
            return
        if self._neurons == 1:
            self._neuron(module, args, result)
            self._neurons = 0
        self._stack.pop()
        self.recorder.path = self._stack[-1] if self._stack else ""

    def _neuron(self, module: nn.Module, args: tuple[Any, ...], result: Any) -> None:
        """Write down a neuron layer: its current must be (T, B, ...)."""
        rule, view = neuron_rule(module), self._view_of(args[0])
        assert rule is not None
        if view is None:
            raise CompileError("import.constant", "a neuron's current does not depend on the inputs")
        op = rule(module)
        if qualified_name(type(module)) not in NEURON_RULES:
            probe(module, op)
        view = self.recorder.in_order(self._with_time(view))
        value = self.recorder.emit(op, view.value, name=self.recorder.path)
        self._know(result, replace(view, value=value))

    def _with_time(self, view: View) -> View:
        first = view.dims[0]
        if not self.recorder.is_timed(view) and is_plain(first) and view.shape[0] == self.recorder.steps:
            view = self.recorder.unfold_time(view, 0)
        kinds = [[axis.kind for axis in dim] for dim in view.dims[:2]]
        if kinds[0] != [TIME] or kinds[1][:1] != [BATCH]:
            raise CompileError("import.axes", f"a neuron reads {view}, not (T, B, ...) with T = {self.recorder.steps}",
                               hint="time first, batch second; check the number of steps")  # fmt: skip
        return view

    def _where(self) -> str:
        return self._stack[-1] if self._stack and self._stack[-1] else type(self.module).__name__


def _check_function(name: str) -> None:
    """Refuse a function that has no rule, saying why."""
    if name in VALUES:
        raise CompileError("import.values", f"the model looks at computed numbers ({name})",
                           hint="what a network does must not depend on its values; compute this outside")  # fmt: skip
    if name in FUNCTION_RULES:
        return
    if name == "__setitem__" or name.startswith("set_") or (name.endswith("_") and not name.endswith("__")):
        raise CompileError(
            "import.in_place", f"{name} writes into a tensor", hint="write it without changing tensors in place"
        )
    raise CompileError("import.function", f"no rule for the function {name}",
                       hint=f"known: {', '.join(sorted(key for key in FUNCTION_RULES if not key.startswith('_')))}")  # fmt: skip
