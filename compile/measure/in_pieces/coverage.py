"""What of a network ran on its target where it was too large to run whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ir.errors import first_names

NAMED = 3
"""Populations that a sentence names."""


@dataclass(frozen=True)
class LeftOut:
    """A population that did not run, as it is too large even alone."""

    name: str
    neurons: int
    synapses: int
    """That lead to it."""


@dataclass(frozen=True)
class Coverage:
    """The pieces in which a network ran, each fed with what the twin recorded."""

    pieces: int
    populations: int
    """Of the whole network, as its neurons and synapses."""
    neurons: int
    synapses: int
    left_out: tuple[LeftOut, ...]
    needed: int = 0
    """Bytes that the whole takes at the most."""
    room: int = 0
    """Bytes that it may use: half of what is free."""

    @property
    def mark(self) -> str:
        """Whether all of the network ran, in a word or two."""
        if not self.left_out:
            return "PASS"
        return "PASS IN PART" if self.pieces else "NOT RUN"

    def followed_by(self, later: Coverage) -> Coverage:
        """This and that of another phase."""
        return replace(
            self,
            pieces=self.pieces + later.pieces,
            populations=self.populations + later.populations,
            neurons=self.neurons + later.neurons,
            synapses=self.synapses + later.synapses,
            left_out=self.left_out + later.left_out,
        )

    def joined(self, later: Coverage) -> Coverage:
        """This and that of another batch: whatever did not run in either is left out."""
        return replace(self, left_out=tuple(dict.fromkeys(self.left_out + later.left_out)))

    def text(self) -> str:
        """What ran, what did not, and why."""
        why = f"as all of it may take {_gib(self.needed)}, and half of the free memory is {_gib(self.room)}"
        if not self.pieces:
            return f"not run, {why}"
        ran = f"{self._ran()} in {self.pieces} pieces, each fed with recorded emissions, {why}"
        if not self.left_out:
            return ran
        names = first_names([each.name for each in self.left_out], NAMED)
        return f"{ran}; not run, too large even alone: {names}"

    def _ran(self) -> str:
        if not self.left_out:
            return f"all {self.populations} populations"
        populations = self.populations - len(self.left_out)
        neurons = self.neurons - sum(each.neurons for each in self.left_out)
        synapses = self.synapses - sum(each.synapses for each in self.left_out)
        sizes = f"{neurons:,} of {self.neurons:,} neurons, {synapses:,} of {self.synapses:,} synapses"
        return f"{populations} of {self.populations} populations ({sizes})"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
