"""
Values of earlier steps, from what populations and inputs were then; and what values are where those are silent.

A weighted sum of earlier spikes is an earlier weighted sum. So a loop closes at populations, whatever lies between.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops import AtStep, Delay, Input, Past
from ir.ops.over_time.by_step import ByStep


def earlier(recorder: Recorder, value: str, steps: int) -> str:
    """A value as it was some steps ago; before the first step populations and inputs were silent."""
    node = recorder.node(value)
    if node.type.static:
        return value
    if isinstance(node.op, Past):
        return recorder.emit(replace(node.op, steps=node.op.steps + steps), name=f"{value}.late")
    if node.op.family == "neuron":  # perhaps of a loop that is still to be closed
        return recorder.emit(Past(value, str(node.type), steps), name=f"{value}.past")
    if isinstance(node.op, Input) or _has_own_steps(recorder, node):
        return recorder.emit(Delay(steps), value, name=f"{value}.late")
    params = {role: Constant(key, recorder.array(key)) for role, key in node.params}
    values = [earlier(recorder, name, steps) for name in node.inputs]
    return recorder.emit(node.op, *values, params=params, name=f"{value}.late")


def _has_own_steps(recorder: Recorder, node: Node) -> bool:
    """Whether an operation makes steps of what has none, or has constants for each of them."""
    return isinstance(node.op, ByStep) or all(recorder.node(name).type.static for name in node.inputs)


def of_silence(recorder: Recorder, value: str) -> Array:
    """What a value is where populations and inputs are silent, of the value's shape."""
    node = recorder.node(value)
    if node.op.family == "neuron" or isinstance(node.op, Input | Past):
        return np.zeros(node.type.shape)
    if isinstance(node.op, AtStep):
        hint = "what comes back to a neuron is its spikes, through weights"
        raise CompileError(
            "import.neuron", "a neuron that is written out reads a value made of several steps", hint=hint
        )
    args = tuple(of_silence(recorder, name)[None, None] for name in node.inputs)
    params = {role: recorder.array(key) for role, key in node.params}
    return np.asarray(node.op.run(args, params, 1))[0, 0]


def depends(recorder: Recorder, value: str, on: str, *, at_once: bool = False) -> bool:
    """Whether a value is made of another one, of any step; or of the same step, where that is asked."""
    waiting, visited = [value], set[str]()
    while waiting:
        name = waiting.pop()
        if name == on:
            return True
        if name not in visited:
            visited.add(name)
            node = recorder.node(name)
            waiting.extend(node.inputs if at_once else node.reads)
    return False
