"""What changed from one run to another: what they were made with, then their numbers, then layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass

from compile.report.comparison.fact import NOTHING, UNKNOWN, Fact, Facts, fitting_unit, is_same
from compile.report.comparison.report_facts import Groups
from compile.report.comparison.saved_report import SavedPart, SavedReport
from compile.report.comparison.sheet import Sheet

FIRST = ("options", "versions")
"""Groups that come before the others."""
NO_PART = SavedPart({}, {})


@dataclass(frozen=True)
class Difference:
    """One fact that is not the same in both runs."""

    place: str
    """Its group, part or layer."""
    name: str
    before: Fact
    after: Fact

    @property
    def change(self) -> Fact:
        """The second less the first; unknown where one of them is no number."""
        before, after = self.before.number, self.after.number
        return NOTHING if before is None or after is None else Fact(after - before, self.before.unit)

    @property
    def relative(self) -> float | None:
        """The change as a share of the first; None where that is 0 or no number."""
        change = self.change.number
        return change / abs(self.before.number) if change is not None and self.before.number else None

    def cells(self) -> Sequence[str]:
        """Name, both, and the change, in one unit."""
        facts = (self.before, self.after)
        unit = fitting_unit(facts)
        change = self.change.number
        sign = "+" if change is not None and change > 0 else ""
        relative = (
            UNKNOWN if self.relative is None else f"{100 * self.relative:+,.{1 if abs(self.relative) < 1 else 0}f} %"
        )
        changed = UNKNOWN if change is None else sign + self.change.text(unit)
        return [f"{self.name} {unit}".rstrip(), *(fact.text(unit) for fact in facts), changed, relative]


@dataclass(frozen=True)
class RunComparison:
    """What is different between two runs."""

    before: SavedReport
    after: SavedReport
    differences: Sequence[Difference]
    only_before: Sequence[str]
    """Parts, layers and warnings that the second has not."""
    only_after: Sequence[str]

    @property
    def is_equal(self) -> bool:
        """Whether there is no difference."""
        return not (self.differences or self.only_before or self.only_after)

    @property
    def alone(self) -> Mapping[str, Sequence[str]]:
        """Run -> what it alone has; without those that have nothing alone."""
        both = {self.before.label: self.only_before, self.after.label: self.only_after}
        return {label: names for label, names in both.items() if names}

    def sheet(self) -> Sheet:
        """All differences."""
        head = ["where", "what", self.before.label, self.after.label, "change", "relative"]
        return Sheet(head, [[each.place, *each.cells()] for each in self.differences], words=2)


def compare(before: SavedReport, after: SavedReport) -> RunComparison:
    """Everything in which two runs differ."""
    differences = [*_of_groups(before.groups, after.groups, "")]
    pairs = _pairs(before.parts, after.parts)
    for name, (one, other) in pairs.items():
        if len(pairs) > 1:
            differences += _of_groups(one.groups, other.groups, f"{name}: ")
        for layer in (each for each in one.layers if each in other.layers):
            differences += _of_facts(one.layers[layer], other.layers[layer], _place(name, layer, pairs))
    return RunComparison(before, after, differences, [*_alone(before, after)], [*_alone(after, before)])


def _pairs(
    before: Mapping[str, SavedPart], after: Mapping[str, SavedPart]
) -> Mapping[str, tuple[SavedPart, SavedPart]]:
    """Parts of the same name, and single ones whatever their names; nothing beside those that are in one run only."""
    if len(before) == len(after) == 1:
        (name, one), (_, other) = *before.items(), *after.items()
        return {name: (one, other)}
    names = dict.fromkeys((*before, *after))
    return {name: (before.get(name, NO_PART), after.get(name, NO_PART)) for name in names}


def _place(part: str, layer: str, parts: Sized) -> str:
    """What a layer is called, behind its part where there are several."""
    return f"{part}: {layer}" if len(parts) > 1 else layer


def _alone(own: SavedReport, other: SavedReport) -> Iterator[str]:
    """Parts, layers of other parts, and warnings that the other has not."""
    pairs = _pairs(own.parts, other.parts)
    for name, (part, beside) in pairs.items():
        if beside is NO_PART:
            yield f"part {name}"
        elif part is not NO_PART:
            alone = [layer for layer in part.layers if layer not in beside.layers]
            yield from (f"layer {_place(name, layer, pairs)}" for layer in alone)
    yield from (f"warning {text}" for text in own.warnings if text not in other.warnings)


def _of_groups(before: Groups, after: Groups, prefix: str) -> Iterator[Difference]:
    for group in sorted((each for each in before if each in after), key=lambda each: each not in FIRST):
        yield from _of_facts(before[group], after[group], prefix + group)


def _of_facts(before: Facts, after: Facts, place: str) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name, NOTHING), after.get(name, NOTHING)
        if not is_same(one, other):
            yield Difference(place, name, one, other)
