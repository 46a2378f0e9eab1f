"""
Values that are made of single steps, as what they are in one step of the window.

    step 1: x[1] + w z[0], step 2: x[2] + w z[1], ...      x + w past(z)

What is read of earlier steps is late, so that all steps of a loop are one value. The first ones start from constants: whether
they are what silence makes of the loop is found out on random values of all that is read.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np
import torch

from frontend.recording.earlier import earlier
from frontend.recording.layout import View
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops import AtStep, Delay, Op, Past
from ir.types import SPIKE

MOST_LATE = 16
"""How many steps a value may lie back."""
TOLERANCE = 1e-5
"""Of what is computed in another order, relative to the largest value."""


def present(recorder: Recorder, view: View, step: int, fixed: Set[str] = frozenset()) -> str:
    """
    The value that a tensor is in a step of the window, at which it is read: what it is made of may be of earlier ones.

    Args:
        fixed: values without time that are the same at every step, as what is made of the first one alone.

    Raises:
        CompileError: where it is made of what lies ahead, or far back, or of earlier membranes.
    """
    at = step if view.step is None else view.step
    _check_distance(recorder, at, step)
    value = _Presence(recorder, step, fixed).value(view.value, at)
    _check_loops(recorder, value)
    return value


def without_time(recorder: Recorder, value: str) -> set[str]:
    """The values without time that a value is made of within one step."""
    return {name for name in _made_of(recorder, value) if recorder.node(name).type.static}


def alike_at(recorder: Recorder, first: str | torch.Tensor, value: str, step: int) -> bool:
    """Whether a value, or a constant (B, ...), is what another value is at a step of the window."""
    probe = _Probe(recorder, step)
    theirs = probe.run(value)
    ours = probe.run(first) if isinstance(first, str) else first.double().cpu().numpy()
    ours = np.broadcast_to(ours, theirs.shape) if ours.size == theirs.size or ours.size == 1 else ours
    size = np.abs(theirs).max(initial=0.0)
    return ours.shape == theirs.shape and bool((np.abs(ours - theirs) <= TOLERANCE * size).all())


def reach(recorder: Recorder, value: str) -> int:
    """By how many steps the latest of what a value is made of is late."""
    found, waiting, visited = 0, [(value, 0)], set[tuple[str, int]]()
    while waiting:
        name, late = waiting.pop()
        node = recorder.node(name)
        late += node.op.steps if isinstance(node.op, Delay | Past) else 0
        found = max(found, late)
        if (name, late) not in visited and node.op.family != "neuron":
            visited.add((name, late))
            waiting.extend((each, late) for each in node.inputs)
    return found


def _made_of(recorder: Recorder, value: str) -> list[str]:
    """All values that a value is made of, down to neurons and steps of the window."""
    found, waiting = dict[str, None](), [value]
    while waiting:
        node = recorder.node(waiting.pop())
        if node.name not in found:
            found[node.name] = None
            waiting.extend(() if _is_end(node) else node.inputs)
    return list(found)


def _is_end(node: Node) -> bool:
    return isinstance(node.op, AtStep) or node.op.family == "neuron"


def _check_distance(recorder: Recorder, at: int, step: int) -> None:
    """CompileError where a step reads what lies ahead of it, or far back."""
    if at > step:
        what = f"a neuron reads step {at} of its input at its own step {step}"
        raise CompileError("import.steps", what, where=recorder.path, hint="let every step read what is there by then")
    if step - at > MOST_LATE:
        what = f"a neuron reads at step {step} what was at step {at}: more than {MOST_LATE} steps back"
        raise CompileError("import.steps", what, where=recorder.path, hint="let membranes add up what is long ago")


@dataclass
class _Presence:
    """Values as they are seen from a step of the window; `fixed`: those that are the same at every step."""

    recorder: Recorder
    step: int
    fixed: Set[str]
    known: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])

    def value(self, value: str, at: int) -> str:
        """What a value is at the step `at`."""
        if value not in self.fixed and (value, at) not in self.known:
            self.known[value, at] = self._value(self.recorder.node(value), at)
        return value if value in self.fixed else self.known[value, at]

    def _value(self, node: Node, at: int) -> str:
        recorder = self.recorder
        if isinstance(node.op, AtStep):
            _check_distance(recorder, node.op.step, self.step)
            return self.value(node.inputs[0], node.op.step)
        below = _made_of(recorder, node.name)
        if not any(isinstance(recorder.node(name).op, AtStep) and name not in self.fixed for name in below):
            late = 0 if node.type.static else self.step - at
            return earlier(recorder, node.name, late) if late else node.name
        inputs = [self.value(name, at) for name in node.inputs]
        params = {role: Constant(key, recorder.array(key)) for role, key in node.params}
        return recorder.emit(node.op, *inputs, params=params, name=node.name)


def _check_loops(recorder: Recorder, value: str) -> None:
    """CompileError where a value is made of what is no spike and comes back late."""
    for node in map(recorder.node, _made_of(recorder, value)):
        if isinstance(node.op, Past) and node.type.domain != SPIKE:
            what = "a neuron reads what a membrane was at an earlier step"
            raise CompileError("import.state", what, where=recorder.path, hint="let spikes come back to it")


@dataclass
class _Probe:
    """Values at one step of a window, (B, *shape), of random ones for all that is read; zeros before the window."""

    recorder: Recorder
    step: int
    given: dict[tuple[str, int], Array] = field(default_factory=dict[tuple[str, int], Array])

    def run(self, value: str, late: int = 0) -> Array:
        """A value, some steps late."""
        node = self.recorder.node(value)
        late = 0 if node.type.static else late
        if isinstance(node.op, Past):
            return self._given(node.op.of, node, late + node.op.steps)
        if isinstance(node.op, Delay) and not node.params:
            before = late + node.op.steps > self.step
            return self._silence(node) if before else self.run(node.inputs[0], late + node.op.steps)
        if not self._is_of_one_step(node):
            return self._given(value, node, late)
        args = tuple(self.run(name, late)[None] for name in node.inputs)
        params = {role: self.recorder.array(key) for role, key in node.params}
        return np.asarray(node.op.run(args, params, 1))[0]

    def _is_of_one_step(self, node: Node) -> bool:
        """Whether a node makes a step of its value of the same step of its operands."""
        static = all(self.recorder.node(name).type.static for name in node.inputs)
        return node.op.family not in ("neuron", "input") and static == node.type.static and _has_no_state(node.op)

    def _given(self, name: str, node: Node, late: int) -> Array:
        if late > self.step:
            return self._silence(node)
        if (name, late) not in self.given:
            generator = np.random.default_rng(len(self.given))
            shape = (self.recorder.batch, *node.type.shape)
            spikes = generator.integers(0, 1, shape, endpoint=True).astype(float)
            self.given[name, late] = spikes if node.type.domain == SPIKE else generator.normal(size=shape)
        return self.given[name, late]

    def _silence(self, node: Node) -> Array:
        return np.zeros((self.recorder.batch, *node.type.shape))


def _has_no_state(op: Op) -> bool:
    return type(op).resume is Op.resume
