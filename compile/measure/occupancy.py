"""How much of a chip a network takes, as far as that can be said before it is mapped to cores: nothing is refused here."""

from __future__ import annotations

from dataclasses import dataclass

from ir.analysis.resources import node_resources
from ir.deployment import Deployment
from ir.passes.insert_relays import PASS as RELAYS
from ir.profile import Profile


@dataclass(frozen=True)
class Occupancy:
    """Resources of one part, for one sample at a time."""

    neurons: int
    """All that run on the chip, those that the compiler added included."""
    synapses: int
    """Unrolled: shared weights counted at every position."""
    neurons_per_chip: int | None
    """The profile's limit; None where there is none, or none is known."""
    synapses_per_chip: int | None
    """The profile's limit; None where there is none, or none is known."""
    relays: int
    """Neurons that only pass on what synapses cannot delay long enough."""
    longest_delay: int
    """Steps that a synapse waits at most."""
    max_delay: int
    """Steps that it could."""

    @property
    def chips(self) -> int:
        """How many chips it takes at the least."""
        pairs = ((self.neurons, self.neurons_per_chip), (self.synapses, self.synapses_per_chip))
        return max([1, *(-(-count // limit) for count, limit in pairs if limit is not None)])

    def text(self) -> str:
        """The resources in one sentence."""
        neurons = f"{self.neurons:,} neurons{_share(self.neurons, self.neurons_per_chip)}"
        synapses = f"{self.synapses:,} synapses{_share(self.synapses, self.synapses_per_chip)}"
        chips = f"; at least {self.chips} chips" if self.chips > 1 else ""
        relays = f", {self.relays:,} neurons of them relays" if self.relays else ""
        return f"{neurons}, {synapses}{chips}; delays up to {self.longest_delay} of {self.max_delay} steps{relays}"


def occupancy(deployment: Deployment, profile: Profile) -> Occupancy:
    """The resources of a deployment's chip part."""
    chip, schedule = deployment.chip, deployment.schedule
    rows = node_resources(chip)
    return Occupancy(
        neurons=sum(row.neurons for row in rows),
        synapses=sum(row.synapses for row in rows),
        neurons_per_chip=profile.limits.neurons_per_chip,
        synapses_per_chip=profile.limits.synapses_per_chip,
        relays=sum(row.neurons for row in rows if RELAYS in chip.nodes[row.node].provenance.passes),
        longest_delay=schedule.max_delay if schedule is not None else 0,
        max_delay=profile.arithmetic.max_delay,
    )


def _share(count: int, limit: int | None) -> str:
    if limit is None:
        return ""
    percent = 100 * count / limit
    return f" ({percent:,.0f} % of a chip)" if percent >= 10 else f" ({percent:.2g} % of a chip)"
