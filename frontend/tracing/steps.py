"""
Models that loop over the steps themselves: T passes of the loop's body are folded into the one step that an IR graph describes.

`x[t]` is a view of x with a `step`. Operations on views of one step are recorded once, at the first step; at later steps they
find the node that is there already, as they have the same operation, operands and parameters. A neuron in single-step mode
must read the same value at every step, step after step. All steps stacked are the value over the window again; any other
mixture of steps takes them out of the window, for the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from torch.utils._pytree import tree_leaves, tree_map

from frontend.tracing.layout import BATCH, TIME, Axis, View
from frontend.tracing.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.ops import AtStep, Delay, Leaky, Scale
from ir.ops.membrane import Membrane

JOINS = {"stack": 1, "cat": 0, "concat": 0, "concatenate": 0}
"""Functions that can put steps together -> how many dimensions they add."""
FOLD_HINT = "do the same at every step, with the state in neuron layers only; or use multi-step mode (step_mode='m')"


def one_step(recorder: Recorder, arguments: Any) -> tuple[Any, int | None]:
    """The arguments as the rules take them, and the step they all belong to; mixed steps become values of the whole window."""
    views = [leaf for leaf in tree_leaves(arguments) if isinstance(leaf, View)]
    steps = {view.step for view in views if view.step is not None}
    if not steps:
        return arguments, None
    if len(steps) == 1 and not any(recorder.is_timed(view) for view in views):
        return tree_map(
            lambda leaf: replace(leaf, step=None) if isinstance(leaf, View) else leaf, arguments
        ), steps.pop()
    return tree_map(lambda leaf: at_step(recorder, leaf) if isinstance(leaf, View) else leaf, arguments), None


def at_step(recorder: Recorder, view: View) -> View:
    """A step of a value as a value without time; other views as they are."""
    return view if view.step is None else View(recorder.emit(AtStep(view.step), view.value), view.dims)


def whole_window(recorder: Recorder, name: str, tensors: Any, dim: int = 0) -> View | None:
    """All steps of one value, stacked or joined in order: the value itself. None where a call is anything else."""
    if not isinstance(tensors, (tuple, list)) or not all(isinstance(x, View) for x in tensors):
        return None
    if [view.step for view in tensors] != list(range(recorder.steps)):
        return None
    first: View = replace(tensors[0], step=None)
    if any(replace(view, step=None) != first for view in tensors):
        return None
    place = dim % (len(first.dims) + JOINS[name])
    if name != "stack" and first.dims[place]:
        return None
    after = place if name == "stack" else place + 1
    return first.with_dims((*first.dims[:place], (Axis(TIME, recorder.steps),), *first.dims[after:]))


@dataclass
class _Neuron:
    """
    A neuron in single-step mode.

    path, name: of the module. read: its current. feedback: its recurrent currents. value: its spikes. calls: steps so far.
    """

    path: str
    name: str
    read: View
    feedback: tuple[str, ...]
    value: str
    calls: int = 0


class StepNeurons:
    """The neurons in single-step mode of one traced run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._neurons: dict[int, _Neuron] = {}

    def has_run(self, module: nn.Module) -> bool:
        """Whether a neuron has made a step already."""
        return id(module) in self._neurons

    def step(
        self, module: nn.Module, op: Membrane, view: View, params: Mapping[str, Constant], feedback: tuple[str, ...]
    ) -> View:
        """
        The spikes of the neuron's next step; CompileError where it is not the step that folds.

        params: constants of single neurons. feedback: further currents, values in the order of `view`.
        """
        if [axis.kind for axis in view.dims[0]][:1] != [BATCH]:
            raise CompileError(
                "import.step_mode",
                f"{type(module).__name__} runs step by step, but reads {view} at once",
                hint="loop over the steps in forward, or functional.set_step_mode(net, 'm')",
            )
        read = replace(self._recorder.in_order(view), step=None)
        known = self._neurons.get(id(module))
        if known is None:
            value = self._recorder.emit(op, read.value, *feedback, params=params, name=self._recorder.path)
            known = _Neuron(self._recorder.path, type(module).__name__, read, feedback, value)
            self._neurons[id(module)] = known
        self._check(known, read, view.step)
        known.calls += 1
        return View(known.value, read.dims, known.calls - 1)

    def membrane(self, module: nn.Module, op: Leaky, reset: Scale | None, params: Mapping[str, Constant]) -> View:
        """
        The membrane of a neuron at the step that it has just made.

        reset: the current that a spike sends back at the step after it, None where no spike resets. params: constants of
        single neurons; a threshold among them is the weight of `reset`.
        """
        known, own = self._neurons[id(module)], dict(params)
        threshold = own.pop("threshold", None)
        currents = [known.read.value, *known.feedback]
        if reset is not None:
            late = self._recorder.emit(Delay(1), known.value, name=f"{known.path}.late")
            weight = {} if threshold is None else {"weight": Constant(f"{threshold.name}.reset", -threshold.array)}
            currents.append(self._recorder.emit(reset, late, params=weight, name=f"{known.path}.reset"))
        value = self._recorder.emit(op, *currents, params=own, name=f"{known.path}.membrane")
        return View(value, known.read.dims, known.calls - 1)

    def _check(self, known: _Neuron, read: View, step: int | None) -> None:
        what = ""
        if known.calls >= self._recorder.steps:
            what = f"runs more than {self._recorder.steps} times in a window of {self._recorder.steps} steps"
        elif step is not None and step != known.calls:
            what = f"reads step {step} of its input at its own step {known.calls}"
        elif read != known.read:
            what = f"reads something else at step {known.calls} than at step 0 (%{read.value} instead of %{known.read.value})"
        if what:
            raise CompileError("import.steps", f"{known.name} {what}", where=known.path, hint=FOLD_HINT)

    def check_complete(self) -> None:
        """Raise CompileError where a neuron has not made all steps of the window."""
        for known in self._neurons.values():
            if known.calls != self._recorder.steps:
                what = f"{known.name} runs {known.calls} of {self._recorder.steps} steps"
                raise CompileError(
                    "import.steps", what, where=known.path, hint="loop over all steps of the example input"
                )


def part_of_window(recorder: Recorder, x: View, dim: int, steps: Sequence[int]) -> list[View]:
    """Single steps of a value over the window, its dimension `dim` of length 1."""
    dims = (*x.dims[:dim], (), *x.dims[dim + 1 :])
    recorder.stepwise = True
    return [replace(x.with_dims(dims), step=step) for step in steps]
