"""One chunk of samples through the plan: populations in order, everything between them computed when it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from backends.reference.kernels.joint import active_elements
from backends.reference.plan.plan import Step
from backends.reference.run.counting import Counter
from backends.reference.run.currents import Currents
from backends.reference.run.populations import Emission
from backends.reference.run.store import Store


class Chunk:
    """
    The values of some samples, (T, B, *shape), in the number types of `Plan.travels`; currents are floats.

    kept: probed populations; they outlive their last reader.
    """

    def __init__(
        self,
        store: Store,
        emissions: Mapping[str, Emission],
        counter: Counter,
        inputs: Mapping[str, torch.Tensor],
        probes: Sequence[str],
    ) -> None:
        self._plan, self._emissions, self._counter, self._probes = store.plan, emissions, counter, probes
        self._forms = store.forms
        self._currents = Currents(store, inputs)
        self.kept: dict[str, torch.Tensor] = {name: value for name, value in inputs.items() if name in probes}
        for name, value in inputs.items():
            counter.emit(name, active_elements(value, self._forms))

    def run(self) -> None:
        """Compute every population, count its events, forget what is done with."""
        for step in self._plan.steps:
            self._emit(step)
            for projection in step.arrivals:
                self._counter.project(self._plan.graph.nodes[projection], self.value)
            for name in step.forget:
                self._currents.forget(name)

    def value(self, name: str) -> torch.Tensor:
        """Any emitted value: of a population, an input, or behind routing."""
        return self._currents.value(name)

    def _emit(self, step: Step) -> None:
        name = step.node.name
        if name in self._plan.joint:
            reader = self._plan.readers[name][0]
            self._counter.emit(name, self._currents.factors(name, reader).active(self._forms))
            return
        if name in self._plan.loops:
            value = self._currents.value(name)
            active = active_elements(value, self._forms)
        else:
            value, active = self._emissions[name](self._currents)
        self._currents.values[name] = value
        self._counter.emit(name, active)
        if name in self._probes:
            self.kept[name] = value
