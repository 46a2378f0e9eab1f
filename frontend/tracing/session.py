"""
One run of a module under observation: every torch function and every neuron layer is looked up in the tables and recorded.

A torch function mode sees the functions, global module hooks tell which module runs, and `Taint` finds what both miss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from frontend.function_rules import FUNCTION_RULES, function_name
from frontend.function_rules.queries import LIKE, QUERIES, RANDOM, VALUES
from frontend.neuron_rules.neuron_probe import probe
from frontend.neuron_rules.snntorch_rules import constants, readout, recurrence, states
from frontend.neuron_rules.table import (
    NEURON_RULES,
    check_neuron,
    is_single_step,
    neuron_rule,
    qualified_name,
    reset_neurons,
)
from frontend.tracing.given_states import GivenStates
from frontend.tracing.indexing import indexing_through
from frontend.tracing.layout import BATCH, TIME, View, is_plain
from frontend.tracing.recorder import Recorder, node_name
from frontend.tracing.steps import JOINS, StepNeurons, at_step, one_step, whole_window
from frontend.tracing.taint import Taint
from ir.errors import CompileError
from ir.ops.membrane import Membrane
from ir.types import REAL, SPIKE, Type


class Session(TorchFunctionMode):
    """One run of the module under observation."""

    def __init__(self, module: nn.Module, recorder: Recorder) -> None:
        super().__init__()
        self.module, self.recorder = module, recorder
        self._paths = {id(child): path for path, child in reversed(list(module.named_modules(remove_duplicate=False)))}
        self._views: dict[int, tuple[torch.Tensor, View]] = {}
        self._overwritten: dict[int, str] = {}
        self._stack: list[str] = []
        self._neurons = 0
        self._taint = Taint()
        self._step_neurons = StepNeurons(recorder)
        self._states = GivenStates(lambda tensor: id(tensor) in self._views or self._taint.reaches(tensor))
        recorder.stepwise = any(is_single_step(child) for child in module.modules())

    def input(self, key: str, tensor: torch.Tensor, static: bool) -> torch.Tensor:
        """The example resized to the traced batch, known as a graph input."""
        axis = 0 if static else 1
        batch = self.recorder.batch
        tensor = (
            tensor.detach().index_select(axis, torch.arange(batch, device=tensor.device) % tensor.shape[axis]).clone()
        )
        spikes = not static and bool(((tensor == 0) | (tensor == 1)).all())
        shape = tuple(tensor.shape[axis + 1 :])
        view = self.recorder.input(key, Type(shape, SPIKE if spikes else REAL, 1.0, static))
        self._know(tensor, view)
        return tensor

    def run(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The module's result on the inputs, every step written down."""
        reset_neurons(self.module)
        before = register_module_forward_pre_hook(self._enter)
        after = register_module_forward_hook(self._leave)
        watched = self._states.watch(self.module)
        try:
            with torch.no_grad(), self._taint, self, indexing_through(self.__torch_function__):
                result = self.module(**inputs)
            self._step_neurons.check_complete()
            return result
        except CompileError as error:
            raise CompileError(error.rule, error.what, where=error.where or self._where(), hint=error.hint) from error
        except Exception as error:
            raise CompileError(
                "import.forward", f"the model raised {type(error).__name__}: {error}", where=self._where()
            ) from error
        finally:
            for handle in (before, after, *watched):
                handle.remove()
            reset_neurons(self.module)

    def output(self, key: str, tensor: torch.Tensor) -> str:
        """The IR value of an output, which must be (T, B, ...) or (B, ...)."""
        view = self._view_of(tensor)
        if view is None:
            raise CompileError("import.outputs", f"output {key} does not depend on the inputs")
        self.recorder.path, self.recorder.function = "", node_name(key)
        view = at_step(self.recorder, view)
        kinds = [[axis.kind for axis in dim] for dim in view.dims]
        outer = 2 if self.recorder.is_timed(view) else 1
        if kinds[:outer] != ([[TIME], [BATCH]] if outer == 2 else [[BATCH]]):
            raise CompileError("import.outputs", f"output {key} is {view}", hint="return it as (T, B, ...) or (B, ...)")
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
        if name in LIKE and self._states.owns(args[0]):
            return self._constant(name, func, args, kwargs)
        traced = [
            leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor) and self._view_of(leaf)
        ]
        if not traced:
            return func(*args, **kwargs)
        if name in LIKE:
            return self._constant(name, func, args, kwargs)
        return self._apply(name, func, args, kwargs)

    def _constant(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """A new constant of the form of the first argument."""
        if any(isinstance(leaf, torch.Tensor) and self._view_of(leaf) for leaf in tree_leaves((args[1:], kwargs))):
            raise CompileError("import.values", f"{name} makes a constant of a computed number")
        result = func(*args, **kwargs)
        self._taint.clear(result)
        return result

    def _apply(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function on values that depend on the input, and write it down by its rule."""
        rule = FUNCTION_RULES[_filed_under(name)]
        kept = (args, kwargs) if not _is_in_place(name) else tree_map(self._copied, (args, kwargs))
        seen = tree_map(self._seen, kept)
        versions = [
            (tensor, tensor._version) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, torch.Tensor)
        ]
        result = func(*args, **kwargs)
        self._check_writes([tensor for tensor, version in versions if tensor._version != version], name, result)
        self.recorder.function = name.strip("_")
        views = self._recorded(name, rule, *seen)
        pairs = [(result, views)] if isinstance(views, View) else list(zip(result, views, strict=True))
        for tensor, view in pairs:
            assert tuple(tensor.shape) == view.shape, f"{name}: torch made {tuple(tensor.shape)}, the rule says {view}"
            self._know(tensor, view)
        return result

    def _recorded(
        self, name: str, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> View | Sequence[View]:
        """The view, or the views, of what a rule writes down."""
        try:
            whole = whole_window(self.recorder, name, *args, **kwargs) if name in JOINS else None
            if whole is not None:
                return whole
            (args, kwargs), step = one_step(self.recorder, (args, kwargs))
            views = rule(self.recorder, *args, **kwargs)
        except TypeError as error:
            raise CompileError("import.arguments", f"cannot import this use of {name}: {error}") from error
        if step is None:
            return views
        return replace(views, step=step) if isinstance(views, View) else [replace(view, step=step) for view in views]

    def _check_writes(self, written: list[torch.Tensor], name: str, result: Any) -> None:
        """A tensor may be changed in place if it is the result; other tensors that look at its memory may not be used again."""
        for tensor in written:
            memory = tensor.untyped_storage().data_ptr()
            if result is not tensor:
                raise _written_elsewhere(name)
            sharing = (other for other, _ in self._views.values() if other.untyped_storage().data_ptr() == memory)
            self._overwritten.update({id(other): name for other in sharing})

    def _copied(self, leaf: Any) -> Any:
        """A constant as it is now, before a function writes into it."""
        constant = isinstance(leaf, torch.Tensor) and self._view_of(leaf) is None
        return leaf.clone() if constant else leaf

    def _seen(self, leaf: Any) -> Any:
        """An argument as the rules see it."""
        if not isinstance(leaf, torch.Tensor):
            return leaf
        view = self._view_of(leaf)
        return leaf if view is None else view

    def _view_of(self, tensor: torch.Tensor) -> View | None:
        """What is known of a tensor: None for a constant. CompileError if it depends on the input in an unseen way."""
        if id(tensor) in self._overwritten:
            raise _written_elsewhere(self._overwritten[id(tensor)])
        entry = self._views.get(id(tensor))
        if entry is not None:
            return entry[1]
        if self._taint.reaches(tensor):
            self._states.refuse(tensor)
            raise CompileError(
                "import.hidden",
                "uses a value that was computed from the input where tracing cannot follow",
                hint="state of neurons, scripted functions and custom kernels cannot be imported",
            )
        return None

    def _know(self, tensor: torch.Tensor, view: View) -> None:
        self._views[id(tensor)] = (tensor, view)
        self._overwritten.pop(id(tensor), None)
        self._taint.mark(tensor)

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if self._neurons:
            self._neurons += 1
            return
        parent = self._stack[-1] if self._stack else ""
        self._stack.append(self._paths.get(id(module), f"{parent}.{type(module).__name__}".lstrip(".")))
        self.recorder.path = self._stack[-1]
        if neuron_rule(module) is not None:
            has_run = self._step_neurons.has_run(module)
            check_neuron(module, has_run)
            if len(args) > 1 and args[1] is not None and not has_run and not states(module):
                raise CompileError(
                    "import.state",
                    f"{type(module).__name__} starts from a state that is given to it",
                    hint="let every neuron start from its own initial state: pass None",
                )
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
        """Write down a neuron layer, which reads (T, B, ...), or (B, ...) step by step; Norse's return their state, too."""
        result = result[0] if isinstance(result, tuple) else result
        rule, view = neuron_rule(module), self._view_of(args[0])
        assert rule is not None
        if view is None:
            raise CompileError("import.constant", "a neuron's current does not depend on the inputs")
        op = rule(module)
        first = not self._step_neurons.has_run(module)
        if first and qualified_name(type(module)) not in NEURON_RULES:
            probe(module, op, is_single_step(module))
        if is_single_step(module):
            self._single_step(module, op, view, result)
            return
        view = self.recorder.in_order(self._with_time(at_step(self.recorder, view)))
        value = self.recorder.emit(op, view.value, name=self.recorder.path)
        self._know(result, replace(view, value=value))

    def _single_step(self, module: nn.Module, op: Membrane, view: View, result: torch.Tensor) -> None:
        """Write down one step of a neuron layer; where a rule knows how, its membrane becomes a value, too."""
        self.recorder.function = ""
        params = {role: self.recorder.constant(values, role) for role, values in constants(module).items()}
        self._know(result, self._step_neurons.step(module, op, view, params, self._feedback(module, view)))
        self._states.leave(module, self.recorder.path)
        membrane = readout(module, op)
        if membrane is not None:
            self._know(module.mem, self._step_neurons.membrane(module, *membrane, params))

    def _feedback(self, module: nn.Module, view: View) -> tuple[str, ...]:
        """The current that a neuron's own spikes of the step before send back to it, written down at its first step."""
        connection = recurrence(module)
        if connection is None or self._step_neurons.has_run(module):
            return ()
        read = replace(self.recorder.in_order(view), step=None)
        spikes = torch.zeros(view.shape)
        self._know(spikes, replace(read, value=self.recorder.past(self.recorder.path, read.value)))
        self._neurons = 0  # the module inside is to be seen
        sent = self._view_of(connection(spikes))
        assert sent is not None
        return (self.recorder.in_order(sent).value,)

    def _with_time(self, view: View) -> View:
        first = view.dims[0]
        if not self.recorder.is_timed(view) and is_plain(first) and view.shape[0] == self.recorder.steps:
            view = self.recorder.unfold_time(view, 0)
        kinds = [[axis.kind for axis in dim] for dim in view.dims[:2]]
        if kinds[0] != [TIME] or kinds[1][:1] != [BATCH]:
            raise CompileError(
                "import.axes",
                f"a neuron reads {view}, not (T, B, ...) with T = {self.recorder.steps}",
                hint="time first, batch second; check the number of steps",
            )
        return view

    def _where(self) -> str:
        return self._stack[-1] if self._stack and self._stack[-1] else type(self.module).__name__


def _written_elsewhere(name: str) -> CompileError:
    return CompileError(
        "import.in_place",
        f"{name} writes into a tensor that is also used elsewhere",
        hint="write it without changing tensors in place",
    )


def _is_in_place(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


def _filed_under(name: str) -> str:
    """The name of a function's rule: `add_` is a sum. CompileError, saying why, where there is none."""
    if name in VALUES:
        raise CompileError(
            "import.values",
            f"the model looks at computed numbers ({name})",
            hint="what a network does must not depend on its values; compute this outside",
        )
    in_place = _is_in_place(name)
    if name in FUNCTION_RULES:
        return name
    if in_place and name[:-1] in FUNCTION_RULES:
        return name[:-1]
    if in_place or name == "__setitem__" or name.startswith("set_"):
        raise CompileError(
            "import.in_place", f"{name} writes into a tensor", hint="write it without changing tensors in place"
        )
    raise CompileError(
        "import.function",
        f"no rule for the function {name}",
        hint=f"known: {', '.join(sorted(key for key in FUNCTION_RULES if not key.startswith('_')))}",
    )
