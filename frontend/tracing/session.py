"""
One run of a module under observation: every torch function and every neuron layer is looked up in the tables and recorded.

A torch function mode sees the functions, global module hooks tell which module runs, and `Taint` finds what both miss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from frontend.function_rules import FUNCTION_RULES, function_name, rule_name
from frontend.function_rules.queries import EMPTY, LIKE, QUERIES, without_model
from frontend.names import called, node_name
from frontend.neuron_rules.framework import Connection
from frontend.neuron_rules.table import is_single_step, neuron_rule, reset_neurons
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.recording.dtype import check_dtype
from frontend.recording.layout import BATCH, TIME, View
from frontend.recording.recorder import Recorder
from frontend.recording.steps import at_step, recorded, with_time
from frontend.tracing.neurons import NeuronLayers
from frontend.tracing.recurrent_containers import RecurrentContainers
from frontend.tracing.storage.assembly import Writer
from frontend.tracing.storage.indexing import observed_indexing
from frontend.tracing.storage.taint import tensors_in, version_of
from frontend.tracing.storage.unused import Unused
from frontend.tracing.storage.writes import ASSIGNMENTS, LOOKS, Writes, writes
from frontend.tracing.tensors import WRITES_CONSTANTS, TracedTensors, check_shape, copied, wrapper_among
from frontend.tracing.written.fired import path_of
from frontend.tracing.written.plan import Plan
from frontend.tracing.written.written_neurons import WrittenNeurons
from frontend.user_errors import user_error
from ir.errors import CompileError
from ir.types import Type


class Session(TorchFunctionMode):
    """One run of the module under observation."""

    def __init__(
        self, module: nn.Module, recorder: Recorder, order: AxisOrder = TIME_FIRST, known: Plan | None = None
    ) -> None:
        super().__init__()
        self.module, self.recorder, self._order = module, recorder, order
        self.batch_first_outputs = set[str]()
        modules: list[tuple[str, nn.Module]] = list(module.named_modules(remove_duplicate=False))  # pyright: ignore
        self._paths = {id(child): path for path, child in reversed(modules)}
        self._stack, self._depth_in_neuron = list[str](), 0
        self._tensors = TracedTensors(Writer(self._record, recorder.type, self._rows))
        self._neurons = NeuronLayers(recorder, self._tensors, self._call_in_neuron, (known or Plan()).by_step)
        self._written = WrittenNeurons(recorder, self._tensors, self._record, known or Plan())
        self._writes = Writes(module, self._tensors, self._written.tracked, self._record)
        self._unused = Unused(self._tensors, self._written.tracked, self._called, self._where)
        self._containers = RecurrentContainers(recorder, self._tensors, self._paths)
        recorder.stepwise = any(is_single_step(child) for child in module.modules())

    def input(self, key: str, tensor: torch.Tensor, kind: Type) -> torch.Tensor:
        """The example resized to the traced batch, known as a graph input of the type."""
        axis = 0 if kind.static or self._order.batch_first else 1
        picked = torch.arange(self.recorder.batch, device=tensor.device) % tensor.shape[axis]
        tensor = tensor.detach().index_select(axis, picked).clone()
        view = self.recorder.input(key, kind)
        if self._order.batch_first and not kind.static:
            view = view.with_dims((view.dims[1], view.dims[0], *view.dims[2:]))
        self._tensors.add(tensor, view)
        return tensor

    def run(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The module's result on the inputs, every step written down."""
        reset_neurons(self.module)
        before = register_module_forward_pre_hook(self._enter)
        after = register_module_forward_hook(self._leave)
        watched = [*self._neurons.states.watch(self.module), *self._containers.watch(self.module)]
        try:
            with torch.no_grad(), self._tensors.taint, self, observed_indexing(self.__torch_function__):
                result = called(self.module, inputs)
            self._neurons.check_complete()
            self._written.membranes.outputs(result)
            self._written.finish()
            return result
        except CompileError as error:
            raise error.placed(self._where()) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise user_error("the model", error, self._where(), "import.forward") from error
        finally:
            for handle in (before, after, *watched):
                handle.remove()
            reset_neurons(self.module)

    def plan(self, inputs: Mapping[str, torch.Tensor]) -> Plan:
        """What a second run should know: which comparisons are steps of neurons, which neurons do not always read the same."""
        places = self._written.comparisons.next_plan(self.module, inputs).places
        return Plan(places, self._neurons.by_step)

    def depends_on_input(self, tensor: torch.Tensor) -> bool:
        """Whether a result of the module is a value; CompileError where it was computed from one in an unseen way."""
        return self._tensors.view(tensor) is not None

    def output(self, key: str, tensor: torch.Tensor) -> str:
        """The IR value of an output that depends on the input, which must be (T, B, ...), (B, T, ...) or (B, ...)."""
        view = self._tensors.view(tensor)
        assert view is not None, f"output {key} is a constant"
        self.recorder.path, self.recorder.function = "", node_name(key)
        view = with_time(self.recorder, at_step(self.recorder, view))
        outer = [[TIME], [BATCH]] if self.recorder.is_timed(view) else [[BATCH]]
        kinds = [[axis.kind for axis in dim] for dim in view.dims][: len(outer)]
        if kinds == [[BATCH], [TIME]]:
            self.batch_first_outputs.add(key)
        elif kinds != outer:
            hint = "return it as (T, B, ...), (B, T, ...) or (B, ...)"
            raise CompileError("import.outputs", f"output {key} is {view}", hint=hint)
        return self.recorder.in_order(view).value

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = function_name(func)
        args, kwargs = without_model(name, args, kwargs or {})
        wrapper = wrapper_among(types, args, kwargs)
        if wrapper is not None:
            with self:
                return wrapper.__torch_function__(func, types, args, kwargs)
        if self._depth_in_neuron or name in QUERIES:
            return func(*args, **kwargs)
        self._written.count(name)
        return self._neurons.states.follow(name, args, self._unused.call(name, func, args, kwargs))

    def _called(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function, and write down what it does with values."""
        if name in LIKE and self._written.tracked.is_any_state(args[0]):
            return self._constant(name, func, args, kwargs)
        if (made := self._written.result(name, func, args, kwargs)) is not None:
            return made
        if self._written.keeps_states(name, args, kwargs) and not self._writes.assigns(name, args):
            return self._written.apply(name, func, args, kwargs)
        if name in EMPTY:
            return self._constant(name, func, args, kwargs).fill_(torch.nan)  # what is read unwritten is found by it
        if writes(name, kwargs):
            return self._write(name, func, args, kwargs)
        if name in LOOKS and args and self._tensors.is_written(args[0]):
            result = func(*args, **kwargs)
            if self._tensors.note_windows(name, args, kwargs, result):
                return result
        if self._written.takes(name, args, kwargs):
            return self._written.apply(name, func, args, kwargs)
        if not self._tensors.holds_views((args, kwargs)):
            constants: tuple[Any, dict[str, Any]] = tree_map(self._tensors.apart, (args, kwargs))
            return func(*constants[0], **constants[1])
        if name in LIKE:
            return self._constant(name, func, args, kwargs)
        try:
            return self._apply(name, func, args, kwargs)
        except CompileError:
            if not self._written.remembers(name, args, kwargs):
                raise
            return self._written.apply(name, func, args, kwargs)

    def _write(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function that writes into its first argument, which or what it writes may depend on the input."""
        known = self._tensors.is_written(args[0]) or self._writes.assigns(name, args)
        if not (known or self._tensors.holds_views((args, kwargs))):
            return func(*args, **kwargs)
        if name in ASSIGNMENTS:
            result = self._writes.assign(name, func, args, kwargs)
            self._written.tracked.forget_aliases(args[0], [args[0]])
            return result
        self._writes.prepare(args[0], name)
        if self._tensors.holds_views((args, kwargs)):
            return self._apply(name, func, args, kwargs)
        result = func(*args, **kwargs)
        self._tensors.write(args[0], None)
        return result

    def _constant(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """A new constant of the shape of the first argument."""
        if self._tensors.holds_views((args[1:], kwargs)):
            raise CompileError("import.values", f"{name} makes a constant of a computed number")
        result = func(*args, **kwargs)
        self._tensors.taint.clear(result)
        return result

    def _apply(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function on values that depend on the input, and write it down by its rule."""
        rule = FUNCTION_RULES[rule_name(name)]
        self.recorder.function = name.strip("_")
        arguments = tree_map(self._tensors.as_rules_see, (args, kwargs))
        made_of = self._written.tracked.operation(name, args, kwargs)
        versions = [(tensor, version_of(tensor)) for tensor in tensors_in((args, kwargs))]
        if name in WRITES_CONSTANTS:
            args, kwargs = tree_map(copied, (args, kwargs))
            versions = []
        result = func(*args, **kwargs)
        written = [tensor for tensor, version in versions if version_of(tensor) != version]
        if written and not any(result is tensor for tensor in written):
            what = f"{name} writes into a tensor that is not its first argument"
            raise CompileError("import.in_place", what, hint="write it without changing tensors in place")
        self.recorder.function = name.strip("_")
        views = recorded(self.recorder, name, rule, *arguments)
        pairs = [(result, views)] if isinstance(views, View) else list(zip(result, views, strict=True))
        for tensor, view in pairs:
            check_shape(name, tensor, view)
            check_dtype(self.recorder, name, tensor, view.value)
            self._tensors.add(tensor, view)
        if written:
            self._written.tracked.forget_aliases(result, [result])
        else:
            self._tensors.note_windows(name, args, kwargs, result)
        self._written.note(result, made_of, bool(written))
        return result

    def _rows(self, rows: Sequence[torch.Tensor]) -> list[View] | None:
        """The steps of a membrane as values; None for other values."""
        return self._written.membranes.rows(rows)

    def _record(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The view, or the views, that the rule of a function makes of views."""
        return recorded(self.recorder, name, FUNCTION_RULES[rule_name(name)], args, kwargs)

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Before a module runs; nothing inside of a neuron is looked at."""
        if self._depth_in_neuron:
            self._depth_in_neuron += 1
            return
        self._stack.append(path_of(module, self._paths, self._stack[-1] if self._stack else ""))
        self.recorder.path = self._stack[-1]
        if neuron_rule(module) is not None:
            self._neurons.check_entry(module, args)
            self._depth_in_neuron = 1

    def _leave(self, module: nn.Module, args: tuple[Any, ...], result: Any) -> None:
        """Behind a module's run."""
        if self._depth_in_neuron > 1:
            self._depth_in_neuron -= 1
            return
        if self._depth_in_neuron == 1:
            self._neurons.record(module, args, result)
            self._depth_in_neuron = 0
        self._stack.pop()
        self.recorder.path = self._stack[-1] if self._stack else ""

    def _call_in_neuron(self, weights: Connection, x: torch.Tensor) -> torch.Tensor:
        """Run weights that are inside of a neuron so that they are seen all the same."""
        self._depth_in_neuron = 0
        path = self.recorder.path
        self.recorder.path = f"{path}.weights"
        result = weights(x)
        self.recorder.path = path
        return result

    def _where(self) -> str:
        return self._stack[-1] if self._stack and self._stack[-1] else type(self.module).__name__
