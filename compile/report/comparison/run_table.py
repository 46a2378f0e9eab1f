"""One row per run, one column per fact; what is the same in all runs is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from compile.report.comparison.fact import NOTHING, Fact, Facts, fitting_unit, is_same, plain_name
from compile.report.comparison.saved_report import SavedReport
from compile.report.comparison.sheet import Sheet


@dataclass(frozen=True)
class FactColumn:
    """One fact of every run, in one unit."""

    group: str
    name: str
    facts: Sequence[Fact]

    @cached_property
    def unit(self) -> str:
        """The unit that fits the largest."""
        return fitting_unit(self.facts)

    @property
    def head(self) -> str:
        """Name and unit."""
        return f"{self.name} {self.unit}".rstrip()

    @property
    def texts(self) -> Sequence[str]:
        """What is shown of the runs."""
        return [fact.text(self.unit) for fact in self.facts]

    @property
    def is_shared(self) -> bool:
        """Whether it is the same in all runs."""
        return all(is_same(fact, self.facts[0]) for fact in self.facts)


@dataclass(frozen=True)
class RunTable:
    """Runs beside each other."""

    labels: Sequence[str]
    columns: Sequence[FactColumn]
    """All that is known of any."""

    @property
    def different(self) -> Sequence[FactColumn]:
        """What tells the runs apart; of a single run everything that is known."""
        known = [column for column in self.columns if any(fact.value is not None for fact in column.facts)]
        return [column for column in known if len(self.labels) == 1 or not column.is_shared]

    @property
    def shared(self) -> Mapping[str, Facts]:
        """Group -> what is the same in all runs, and known."""
        columns = [column for column in self.columns if column not in self.different]
        known = [column for column in columns if column.facts[0].value is not None]
        groups = dict.fromkeys(column.group for column in known)
        return {group: {each.name: each.facts[0] for each in known if each.group == group} for group in groups}

    def sheet(self) -> Sheet:
        """For people: what is different, in units that fit."""
        columns = [self.labels, *(column.texts for column in self.different)]
        return Sheet(["run", *(column.head for column in self.different)], [*zip(*columns, strict=True)])

    def whole_sheet(self) -> Sheet:
        """For programs: all columns, in full, in the units of report.json."""
        columns = [self.labels, *([_plain(fact) for fact in column.facts] for column in self.columns)]
        return Sheet(
            ["run", *(plain_name(column.name, column.facts) for column in self.columns)], [*zip(*columns, strict=True)]
        )


def run_table(reports: Sequence[SavedReport]) -> RunTable:
    """The table of some runs."""
    names = {
        group: dict.fromkeys(name for each in reports for name in each.groups[group]) for group in reports[0].groups
    }
    columns = [
        FactColumn(group, name, [each.groups[group].get(name, NOTHING) for each in reports])
        for group, own in names.items()
        for name in own
    ]
    return RunTable([each.label for each in reports], columns)


def _plain(fact: Fact) -> str:
    return "" if fact.value is None else str(fact.value)
