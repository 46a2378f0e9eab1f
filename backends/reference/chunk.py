"""One chunk of samples through the plan: populations in order, everything between them computed when it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from backends.reference.counting import Counter
from backends.reference.currents import Currents
from backends.reference.joint import active_elements, active_spikes, joint_active
from backends.reference.plan import Plan, Step
from backends.reference.populations import emission


class Chunk:
    """
    The values of some samples, (T, B, *shape), all in floating point: spikes 0 and 1, payloads, currents.

    kept: probed populations; they outlive their last reader.
    """

    def __init__(self, plan: Plan, counter: Counter, inputs: Mapping[str, torch.Tensor], probes: Sequence[str]) -> None:
        self._plan, self._counter, self._probes = plan, counter, probes
        self._currents = Currents(plan, inputs)
        self.kept: dict[str, torch.Tensor] = {name: value for name, value in inputs.items() if name in probes}
        for name, value in inputs.items():
            counter.emit(name, active_elements(value))

    def run(self) -> None:
        """Compute every population, count its events, forget what is done with."""
        for step in self._plan.steps:
            self._emit(step)
            for projection in step.arrivals:
                self._counter.project(self._plan.graph.nodes[projection], self.value)
            for name in step.forget:
                self._currents.values.pop(name, None)

    def value(self, name: str) -> torch.Tensor:
        """Any emitted value: of a population, an input, or behind routing."""
        return self._currents.value(name)

    def _emit(self, step: Step) -> None:
        name, kind = step.node.name, step.node.type
        if name in self._plan.joint:
            self._counter.emit(name, joint_active(*self._currents.joint_operands(name), kind.shape))
            return
        looped = name in self._plan.loops
        value = self._currents.value(name) if looped else emission(step, self._currents)
        self._currents.values[name] = value
        self._counter.emit(name, active_spikes(value) if kind.domain.kind == "spike" else active_elements(value))
        if name in self._probes:
            self.kept[name] = value
