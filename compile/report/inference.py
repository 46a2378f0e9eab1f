"""What one inference costs: the parts that run in it together, what follows them, and beside it what runs in training only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, Any

from compile.energy import Bill, OnChip, PriceTable
from compile.energy.bill import bill
from compile.energy.like_for_like import NOT_IN_HOST, summed
from compile.measure.timing import per_second
from frontend.model_file.follow_up import FollowUp
from ir.profile import Profile

if TYPE_CHECKING:
    from compile.report.report import PartReport


@dataclass(frozen=True)
class PairWork:
    """What the host does for each pair of outputs, at the prices of one profile."""

    work: FollowUp
    bill: Bill
    """Of one pair."""

    @property
    def query_pj(self) -> Fraction | None:
        """One query against the whole gallery."""
        return None if self.bill.energy is None else self.bill.energy.value * self.work.gallery

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        query = None if self.query_pj is None else float(self.query_pj)
        return {"prices": self.bill.profile, "pair": self.bill.plain(), "query_pj": query}


@dataclass(frozen=True)
class Inference:
    """The energy of one sample through every part that an inference runs."""

    parts: tuple[PartReport, ...]
    training: tuple[PartReport, ...]
    """Parts that run in training only, and are in none of the sums."""
    follow_ups: tuple[PairWork, ...] = ()
    """What follows the parts, by prices; empty where nothing does, or not all parts were compiled."""
    pairs_per_s: float | None = None
    """Pairs of the test set over the time that the task's metrics take on this machine; None where that was not measured."""

    @cached_property
    def tables(self) -> tuple[PriceTable, ...]:
        """At the prices of the network's own profile, and of others."""
        return summed(part.tables for part in self.parts)

    @cached_property
    def on_chip(self) -> OnChip | None:
        """On the maps of its parts, each on chips of its own; None where one has no times."""
        known = [part.on_chip for part in self.parts if part.on_chip is not None]
        return reduce(add, known) if len(known) == len(self.parts) else None

    @property
    def per_second(self) -> float | None:
        """Inferences per second in a stream by the slowest part, estimated; None where one has no times."""
        times = [part.run.timing for part in self.parts if part.run.timing is not None]
        if len(times) < len(self.parts):
            return None
        return min(per_second(time.times.streaming).value for time in times)

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {
            "unit": "pJ",
            "parts": [part.build.part.name for part in self.parts],
            "samples": {part.build.part.name: part.activity.samples for part in self.parts},
            "tables": [table.plain() for table in self.tables],
            "on_chip": None if self.on_chip is None else self.on_chip.plain(),
            "per_second": self.per_second,
            "follow_up": self._follow_up(),
            "training": {part.build.part.name: [table.plain() for table in part.tables] for part in self.training},
        }

    def _follow_up(self) -> dict[str, Any] | None:
        if not self.follow_ups:
            return None
        bills = [each.plain() for each in self.follow_ups]
        speed = self.pairs_per_s
        queries = None if speed is None else speed / self.follow_ups[0].work.gallery
        return {**asdict(self.follow_ups[0].work), "pairs_per_s": speed, "queries_per_s": queries, "bills": bills}


def inference(
    parts: Sequence[PartReport],
    follow_up: FollowUp | None,
    prices: Sequence[Profile],
    pairs_per_s: float | None = None,
) -> Inference:
    """
    What an inference costs of the parts that were compiled; of all of them where none of these runs outside training.

    Args:
        prices: the profiles of the parts' tables.
    """
    running = tuple(part for part in parts if not part.build.part.training) or tuple(parts)
    training = tuple(part for part in parts if part not in running)
    whole = follow_up is not None and len(running) > 1
    work = [_pair_work(follow_up, profile) for profile in prices] if whole and follow_up else []
    return Inference(running, training, tuple(work), pairs_per_s if whole else None)


def _pair_work(work: FollowUp, profile: Profile) -> PairWork:
    return PairWork(work, bill("follow_up", {"e_mac": work.macs}, profile, ["e_mac"], NOT_IN_HOST))
