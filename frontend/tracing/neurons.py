"""
Neuron layers of a traced run, written down as IR neurons: whole windows, or step by step.

A neuron in single-step mode reads a value step after step: its T calls are one node, also where it reads other values at other
steps, or earlier spikes (`currents_by_step`). Its own spikes come back to it one step late where it is recurrent, and its
membrane is a value of its own where a rule knows how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from frontend.names import qualified_name
from frontend.neuron_rules.behaviour import check_behaviour
from frontend.neuron_rules.framework import Connection, never_fires
from frontend.neuron_rules.table import (
    NEURON_RULES,
    check_neuron,
    framework_of,
    is_single_step,
    neuron_rule,
    spikes_of,
)
from frontend.recording.layout import BATCH, TIME, Axis, View, feature_dims
from frontend.recording.recorder import Constant, Recorder
from frontend.recording.steps import at_step, with_time
from frontend.tracing.currents_by_step import FOLD_HINT, CurrentsByStep, StepNeuron, placeholder
from frontend.tracing.neuron_states import GivenStart, NeuronRun, NeuronStates
from frontend.tracing.states import StateHandover
from frontend.tracing.storage.taint import version_of
from frontend.tracing.tensors import TracedTensors, copied
from frontend.type_guards import is_tuple
from ir.errors import CompileError
from ir.ops import Op
from ir.types import CURRENT, Domain


class NeuronLayers:
    """
    The neurons of one traced run.

    Args:
        call: runs weights that a neuron brings along on a tensor so that tracing sees them.
        by_step: paths of the neurons that are known to read other values at other steps -> what they read in their place.
    """

    def __init__(
        self,
        recorder: Recorder,
        tensors: TracedTensors,
        call: Callable[[Connection, torch.Tensor], torch.Tensor],
        by_step: Mapping[str, Domain],
    ) -> None:
        self._recorder, self._tensors, self._call, self._known = recorder, tensors, call, by_step
        self.by_step = dict(by_step)
        """The same, as far as this run has found out."""
        self.states = StateHandover(tensors)
        self._values = NeuronStates(recorder, tensors)
        self._steps: dict[int, StepNeuron] = {}
        self._first: dict[int, tuple[Op, Mapping[str, torch.Tensor]]] = {}
        self._version = 0
        self._start = GivenStart()

    def check_entry(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """CompileError where a neuron that is about to run is used in a way that its rule does not cover."""
        has_run = id(module) in self._steps
        self._start = GivenStart() if has_run else GivenStart.of(module, self._tensors)
        check_neuron(module, has_run or self._start.is_state)
        self._version = version_of(args[0]) if args else 0

    def record(self, module: nn.Module, args: tuple[Any, ...], result: Any) -> None:
        """Write down a neuron layer, which reads (T, B, ...), or (B, ...) step by step."""
        rule = neuron_rule(module)
        assert rule is not None
        if version_of(args[0]) != self._version:
            what, hint = f"{type(module).__name__} writes into its input", "let it compute on a copy"
            raise CompileError("import.in_place", what, hint=hint)
        if is_tuple(result):
            self._tensors.keep(result[1:])
        op = rule(module)
        if id(module) not in self._steps and qualified_name(type(module)) not in NEURON_RULES:
            check_behaviour(module, op, is_single_step(module))
        x = self._behind_weights(module, args[0])
        framework, self._recorder.function = framework_of(module), ""
        assert framework is not None
        constants = framework.constants(module)
        self._check_alike(module, op, constants)
        params = {role: self._recorder.constant(array, role) for role, array in constants.items()}
        op, start = self._start.of_neuron(op, self._recorder)
        params |= start
        view = self._tensors.view(x)
        if is_single_step(module):
            self._record_step(module, op, x, result, params)
            return
        if view is None:
            raise CompileError("import.constant", "a neuron's current does not depend on the inputs")
        view = self._recorder.in_order(self._with_time(at_step(self._recorder, view)))
        currents = (view.value, *self._feedback(module, view))
        value = "" if never_fires(op) else self._recorder.emit(op, *currents, params=params, name=self._recorder.path)
        self._leave(module, NeuronRun(self._recorder.path, op, currents, replace(view, value=value), params), result)

    def _check_alike(self, module: nn.Module, op: Op, constants: Mapping[str, torch.Tensor]) -> None:
        """CompileError where a neuron is another one than at its first step."""
        if id(module) not in self._steps:
            self._first[id(module)] = (op, {name: copied(each) for name, each in constants.items()})
            return
        known, arrays = self._first[id(module)]
        alike = [torch.equal(each, arrays[key]) for key, each in constants.items() if key in arrays]
        if op != known or len(alike) < len(arrays) or not all(alike):
            what = f"{type(module).__name__} has other parameters at this step than at the first one"
            hint = "set decays, thresholds and the like before the window; currents may differ from step to step"
            raise CompileError("import.steps", what, hint=hint)

    def _leave(self, module: nn.Module, run: NeuronRun, result: Any) -> None:
        """What a neuron returned, and what it remembers, become values."""
        framework, spikes = framework_of(module), spikes_of(result)
        assert framework is not None
        if run.emitted.value:
            self._tensors.add(spikes, run.emitted)
        else:
            what = f"{type(module).__name__} never fires (threshold inf), and its spikes are used"
            hint = "read out its membrane, or give it a threshold"
            self._tensors.refuse(spikes, CompileError("import.parameter", what, where=run.path, hint=hint))
        self._values.add(run, framework.readouts(module, run.op, result))

    def check_complete(self) -> None:
        """CompileError where a neuron has not made all steps of the window, or not known steps."""
        for path in [path for path, domain in self.by_step.items() if self._known.get(path) != domain]:
            what = "a neuron reads something else at other steps than at step 0"
            raise CompileError("import.steps", what, where=path, hint=FOLD_HINT)
        for neuron in self._steps.values():
            steps = self._recorder.window(neuron.read)
            if neuron.calls != steps:
                what = f"{neuron.name} runs {neuron.calls} of {steps} steps"
                raise CompileError(
                    "import.steps", what, where=neuron.path, hint="loop over all steps of the example input"
                )

    def _behind_weights(self, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """What a neuron reads: the input, or what the weights that it brings along make of it."""
        framework = framework_of(module)
        weights = None if framework is None else framework.afferents(module)
        return x if weights is None else self._call(weights, x)

    def _record_step(self, module: Any, op: Op, x: torch.Tensor, result: Any, params: Mapping[str, Constant]) -> None:
        """Write down one step of a neuron layer."""
        read = self._read(module, x)
        if id(module) not in self._steps:
            self._steps[id(module)] = self._first_step(module, op, read, params)
        neuron = self._steps[id(module)]
        neuron.take(read)
        if neuron.currents.vary or neuron.path in self.by_step:
            self._note_varying(neuron)
        self.states.leave(module, self._recorder.path, result)
        emitted = View(neuron.value, neuron.read.dims, neuron.calls - 1)
        run = NeuronRun(neuron.path, op, (neuron.read.value, *neuron.feedback), emitted, params)
        self._leave(module, run, result)

    def _note_varying(self, neuron: StepNeuron) -> None:
        """Behind a step of a neuron that does not always read the same: behind the last one it is known what it reads."""
        known = self._known.get(neuron.path)
        if neuron.calls < self._recorder.window(neuron.read):
            self.by_step.setdefault(neuron.path, CURRENT)
            return
        self.by_step[neuron.path] = neuron.currents.domain
        if neuron.currents.domain == known:
            neuron.currents.join(neuron.read.value)

    def _read(self, module: nn.Module, x: torch.Tensor) -> View | torch.Tensor:
        """What a step reads, as a value of its own step; a constant as it is."""
        view, neuron = self._tensors.view(x), self._steps.get(id(module))
        if view is None:
            return copied(x)
        if [axis.kind for axis in view.dims[0]][:1] != [BATCH]:
            raise CompileError(
                "import.step_mode",
                f"{type(module).__name__} runs step by step, but reads {view} at once",
                hint="loop over the steps in forward, or functional.set_step_mode(net, 'm')",
            )
        if neuron is not None:
            neuron.check_step(self._recorder.window(neuron.read))
        return replace(self._recorder.in_order(view), step=view.step)

    def _first_step(
        self, module: nn.Module, op: Op, read: View | torch.Tensor, params: Mapping[str, Constant]
    ) -> StepNeuron:
        """The node of a neuron in single-step mode; `params` are constants of single neurons."""
        path = self._recorder.path
        if path in self._known or isinstance(read, torch.Tensor):
            read = self._not_known_yet(read)
        read = replace(read, step=None)
        feedback = self._feedback(module, read)
        neuron = StepNeuron(path, type(module).__name__, read, feedback, "", CurrentsByStep(self._recorder))
        if not never_fires(op):
            neuron.value = self._recorder.emit(op, read.value, *feedback, params=params, name=path)
        return neuron

    def _not_known_yet(self, read: View | torch.Tensor) -> View:
        """A placeholder for what a neuron reads, of the form of its first current."""
        recorder = self._recorder
        if isinstance(read, View):
            dims, shape, steps = read.dims, recorder.shape(read.value), recorder.window(read)
        else:
            shape, steps = tuple(read.shape[1:]), recorder.steps
            dims = ((Axis(BATCH, recorder.batch),), *feature_dims(shape))
        return View(placeholder(recorder, shape, self._known.get(recorder.path, CURRENT), steps), dims)

    def _feedback(self, module: nn.Module, read: View) -> tuple[str, ...]:
        """The current that a neuron's own spikes of the step before send back to it; none where it is not recurrent."""
        framework = framework_of(module)
        connection = None if framework is None else framework.recurrence(module)
        if connection is None:
            return ()
        spikes, shape = torch.zeros(read.shape), self._recorder.shape(read.value)
        self._tensors.add(
            spikes, replace(read, value=self._recorder.past(self._recorder.path, shape, self._recorder.window(read)))
        )
        current = self._tensors.view(self._call(connection, spikes))
        if current is None:
            raise CompileError("import.constant", "a neuron's recurrent current does not depend on its spikes")
        return (self._recorder.in_order(current).value,)

    def _with_time(self, view: View) -> View:
        """The current of a whole window, time in front and batch behind it; features in front of the batch become time."""
        view = with_time(self._recorder, view)
        kinds = [[axis.kind for axis in dim] for dim in view.dims[:2]]
        if kinds[0] != [TIME] or kinds[1][:1] != [BATCH]:
            what = f"a neuron reads {view}, not (T, B, ...)"
            hint = "time first, batch second; (B, T, ...) needs batch_first=True (--batch-first), and inputs that have no time "
            hint += "are static= (STATIC_INPUTS in a model file); check the number of steps"
            if kinds[0] == [TIME, BATCH]:
                hint = "it takes T x B for the steps of one sample, so that a membrane goes on in the next sample of the batch: "
                hint += "reshape to (T, B, ...) before the neuron, not behind it"
            raise CompileError("import.axes", what, hint=hint)
        return view
