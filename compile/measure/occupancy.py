"""How much of a chip a network takes: cores and chips of its map, what fills them, and what the map exceeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ir.analysis.layers import layer_of
from ir.analysis.resources import node_resources
from ir.deployment import Deployment
from ir.errors import Violation
from ir.graph import Array, Graph
from ir.mapping.core_map import CoreMap
from ir.mapping.fit import Fit
from ir.mapping.loads import Loads, core_limits
from ir.passes.insert_relays import PASS as RELAYS
from ir.passes.split_fan_in import PASS as PARTIAL_SUMS
from ir.profile import Profile


@dataclass(frozen=True)
class CoreUse:
    """One resource on some cores, in its own unit."""

    limit: int
    largest: int
    mean: float

    @property
    def share(self) -> float:
        """Of what there is, on average; 1 is all."""
        return self.mean / self.limit


@dataclass(frozen=True)
class LayerUse:
    """The cores where neurons of a layer are, with all else that is there."""

    layer: str
    cores: int
    resources: Mapping[str, CoreUse]
    """Resource that has a limit -> its use."""
    bottleneck: str
    """The resource that is used most; "" without limits."""


@dataclass(frozen=True)
class Occupancy:
    """Resources of one part, for one sample at a time."""

    neurons: int
    """All that run on the chip, those that the compiler added included."""
    synapses: int
    """Unrolled: shared weights counted at every position."""
    relays: int
    """Neurons that only pass on: what synapses cannot delay long enough, and partial sums of more inputs than a core takes."""
    longest_delay: int
    """Steps that a synapse waits at most."""
    max_delay: int
    """Steps that it could."""
    neurons_per_chip: int | None
    """As the profile states it, for all cores together; None where it does not."""
    synapses_per_chip: int | None
    """As the profile states it; None where it does not."""
    cores: int
    chips: int
    resources: Mapping[str, CoreUse]
    """Resource of a core that has a limit -> its use, over all cores."""
    bottleneck: str
    """The resource that is used most, on average; "" without limits."""
    least_cores: Mapping[str, int]
    """Resource that has a limit -> the cores that all of it would fill, were everything on them once."""
    layers: tuple[LayerUse, ...]
    misfits: tuple[Violation, ...]
    """What the map exceeds, where a network runs all the same."""

    def text(self) -> str:
        """The resources in one sentence."""
        where = f"{_counted(self.cores, 'core')} of {_counted(self.chips, 'chip')}"
        relays = f", {self.relays:,} neurons of them relays" if self.relays else ""
        delays = f"delays up to {self.longest_delay} of {self.max_delay} steps{relays}"
        return f"{self.neurons:,} neurons, {self.synapses:,} synapses on {where}{self._fill()}; {delays}"

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {**asdict(self), "misfits": [asdict(each) for each in self.misfits]}

    def _fill(self) -> str:
        if self.cores == 1 or not self.bottleneck:
            return ""
        use = self.resources[self.bottleneck]
        fullest = f"{100 * use.largest / use.limit:.0f} % of the fullest"
        return f", bound by {self.bottleneck.replace('_', ' ')}: {100 * use.share:.0f} % of it used, {fullest}"


def occupancy(deployment: Deployment, profile: Profile, fit: Fit) -> Occupancy:
    """The resources of a deployment's chip part, on the cores of its map."""
    chip, schedule = deployment.chip, deployment.schedule
    rows, relaying = node_resources(chip), {RELAYS, PARTIAL_SUMS}
    cores, used = fit.cores, _used(profile, fit.loads)
    resources, bottleneck = _uses(used, np.arange(cores.cores))
    return Occupancy(
        neurons=sum(row.neurons for row in rows),
        synapses=sum(row.synapses for row in rows),
        relays=sum(row.neurons for row in rows if relaying & {*chip.nodes[row.node].provenance.passes}),
        longest_delay=schedule.max_delay if schedule is not None else 0,
        max_delay=profile.arithmetic.max_delay,
        neurons_per_chip=profile.limits.neurons_per_chip,
        synapses_per_chip=profile.limits.synapses_per_chip,
        cores=cores.cores,
        chips=cores.chips,
        resources=resources,
        bottleneck=bottleneck,
        least_cores=_least(fit.whole, profile),
        layers=tuple(_layers(chip, cores, used)),
        misfits=tuple(fit.misfits),
    )


def _least(whole: Loads | None, profile: Profile) -> dict[str, int]:
    """Resource that has a limit -> the cores that so much of it fills."""
    limits = core_limits(profile) if whole is not None else {}
    return {name: -(-int(getattr(whole, name)[0]) // limit) for name, limit in limits.items()}


def _used(profile: Profile, loads: Loads | None) -> dict[str, tuple[int, Array]]:
    """Resource that has a limit -> that, and its use on every core."""
    limits = core_limits(profile) if loads is not None else {}
    return {name: (limit, getattr(loads, name)) for name, limit in limits.items()}


def _uses(used: Mapping[str, tuple[int, Array]], cores: Array) -> tuple[dict[str, CoreUse], str]:
    """The use of every resource on some cores, and which is used most."""
    uses = {
        name: CoreUse(limit, int(loads[cores].max()), float(loads[cores].mean()))
        for name, (limit, loads) in used.items()
    }
    return uses, max(uses, key=lambda name: uses[name].share, default="")


def _layers(chip: Graph, cores: CoreMap, used: Mapping[str, tuple[int, Array]]) -> list[LayerUse]:
    """The layers in order, with the cores of all their populations."""
    layers = layer_of(chip)
    on: dict[str, list[Array]] = {name: [] for name in dict.fromkeys(layers.values())}
    for population, own in cores.core_of.items():
        if population in layers:
            on[layers[population]].append(own)
    found = list[LayerUse]()
    for name, populations in on.items():
        there = np.unique(np.concatenate(populations))
        found.append(LayerUse(name, len(there), *_uses(used, there)))
    return found


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
