"""
What neuron layers remember, as values: written down where the model reads it, by a node that takes the neuron's currents.

A state of one step is that step of the node; one of a whole window's run is its last step, or all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import nn

from frontend.neuron_rules.framework import Readout
from frontend.neuron_rules.table import framework_of
from frontend.recording.layout import View
from frontend.recording.recorder import Constant, Recorder
from frontend.tracing.tensors import TracedTensors
from ir.errors import CompileError
from ir.ops import Delay, Lif, Op


@dataclass(frozen=True)
class NeuronRun:
    """A step of a neuron layer, or a whole window of it."""

    path: str
    """Of the module in the model."""
    op: Op
    currents: tuple[str, ...]
    """IR values that it reads."""
    emitted: View
    """What it returned: one step, or the window with time in front."""
    params: Mapping[str, Constant] = field(default_factory=dict[str, Constant])
    """Constants of single neurons."""


@dataclass(frozen=True)
class GivenStart:
    """How much higher than by its rule a membrane is before its first step, where the model sets it to a constant."""

    above: float | torch.Tensor | None = None
    """A number, or one of every neuron of a sample; None where the model sets nothing."""

    @classmethod
    def of(cls, module: nn.Module, tensors: TracedTensors) -> GivenStart:
        """That of a neuron that is about to make its first step."""
        framework = framework_of(module)
        v, usual = (0.0, 0.0) if framework is None else framework.start(module)
        if isinstance(v, int | float):
            return cls(float(v) - usual or None)
        if tensors.depends_on_input(v) or tensors.is_state(v):
            return cls()
        if v.ndim and not bool((v == v[:1]).all()):
            what = f"{type(module).__name__} starts from other membranes in other samples"
            raise CompileError("import.state", what, hint="let all samples start alike")
        return cls((v[0] if v.ndim else v).detach() - usual)

    @property
    def is_state(self) -> bool:
        """Whether it is a tensor, as what a neuron remembers is."""
        return isinstance(self.above, torch.Tensor)

    def of_neuron(self, op: Op, recorder: Recorder) -> tuple[Op, dict[str, Constant]]:
        """The neuron that starts so, and its parameters."""
        if self.above is None:
            return op, {}
        if not isinstance(op, Lif):
            raise CompileError("import.state", f"{op.kind} starts from a membrane that the model sets")
        if isinstance(self.above, torch.Tensor):
            return op, {"v0": recorder.constant(self.above + op.v0, "v0")}
        return replace(op, v0=op.v0 + self.above), {}


class NeuronStates:
    """The states of the neuron layers of one traced run that a model may read."""

    def __init__(self, recorder: Recorder, tensors: TracedTensors) -> None:
        self._recorder, self._tensors = recorder, tensors

    def add(self, run: NeuronRun, states: Iterable[Readout]) -> None:
        """Behind a run: its states become values, or say why they are none."""
        for state in states:
            if self._tensors.is_view(state.tensor):
                continue
            if len(state.tensor.shape) < len(run.emitted.dims) or run.emitted.step is not None:
                self._tensors.keep(state.tensor)
            if state.op is None:
                self._tensors.refuse(state.tensor, _no_value(run, state))
            else:
                self._tensors.add_later(state.tensor, partial(self._view, run, state))

    def _view(self, run: NeuronRun, state: Readout) -> View:
        running = self._recorder.path, self._recorder.function
        self._recorder.path, self._recorder.function = run.path, ""
        seen = replace(run.emitted, value=self._value(run, state))
        self._recorder.path, self._recorder.function = running
        if len(state.tensor.shape) == len(seen.dims):
            return seen
        return View(seen.value, seen.dims[1:], self._recorder.window(seen) - 1)

    def _value(self, run: NeuronRun, state: Readout) -> str:
        """The node that emits a state; where a late reset is a current, a threshold of single neurons is its weight."""
        op, constants, currents = state.op, dict(run.params), list(run.currents)
        assert op is not None
        if op == run.op:
            return run.emitted.value
        if not hasattr(op, "threshold"):
            threshold = constants.pop("threshold", None)
            if state.reset is not None:
                late = self._recorder.emit(Delay(1), run.emitted.value, name=f"{run.path}.late")
                weight = {} if threshold is None else {"weight": Constant(f"{threshold.name}.reset", -threshold.array)}
                currents.append(self._recorder.emit(state.reset, late, params=weight, name=f"{run.path}.reset"))
        name = "current" if state.name == "i" else "membrane"
        return self._recorder.emit(op, *currents, params=constants, name=f"{run.path}.{name}")


def _no_value(run: NeuronRun, state: Readout) -> CompileError:
    return CompileError(
        "import.state",
        f"{state.name} of a {run.op.kind} neuron is used as a value",
        where=run.path,
        hint="read out the spikes, or the membrane of a plain neuron (docs/neurons.md)",
    )
