"""
Conditions on a report, for `--fail-if`: NAME OPERATOR NUMBER [UNIT], as "accuracy < 0.97", "differ > 0" or "energy > 1 uJ".

Names are those of QUANTITIES, over all parts together, and those of the task's metrics, of the compiled network.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from compile.measure.spike_match import SpikeMatch, total
from compile.measure.timing import NS, ChipTime
from compile.report.report import Report
from compile.report.units import PJ
from ir.errors import CompileError

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
GRAMMAR = re.compile(
    r"\s*(?P<name>[^\s<>=!]([^<>=!]*[^\s<>=!])?)\s*(?P<comparison>[<>=!]=|<|>)\s*"
    r"(?P<number>[-+]?(\d{1,99}\.?\d{0,99}|\.\d{1,99})([eE][-+]?\d{1,2})?)\s*(?P<unit>[A-Za-z%]*)\s*"
)
"""Numbers are such that floats hold them, in any unit."""
PERCENT = {"%": 0.01}
NO_UNIT: Mapping[str, float] = {}


@dataclass(frozen=True)
class ReportedNumber:
    """One number of a report."""

    value: Callable[[Report], float | None]
    """None where the report does not know it."""
    meaning: str
    units: Mapping[str, float]
    """Unit -> what it is in the number's own; a number with units of energy or time needs one, others may go without."""


def _match(report: Report) -> SpikeMatch:
    return total(part.match for part in report.parts)


def _energy(report: Report) -> float | None:
    bill = report.energy.tables[0].network
    return None if bill.energy is None else float(bill.energy.value)


def _slowest(time: Callable[[ChipTime], float]) -> Callable[[Report], float | None]:
    """The largest of the parts' times; None where one of them has none."""

    def largest(report: Report) -> float | None:
        known = [part.run.timing for part in report.parts if part.run.timing is not None]
        return max(map(time, known)) if len(known) == len(report.parts) else None

    return largest


def _throughput(report: Report) -> float | None:
    slowest = _slowest(lambda time: time.times.streaming.value)(report)
    return None if slowest is None else NS["s"] / slowest


def _rate(report: Report) -> float | None:
    layers = [layer for part in report.parts for layer in part.layers]
    neurons = sum(layer.neurons for layer in layers)
    return sum(layer.rate * layer.neurons for layer in layers) / neurons if neurons else None


QUANTITIES: Mapping[str, ReportedNumber] = {
    "differ": ReportedNumber(
        lambda report: sum(verdict.differing for part in report.parts for verdict in part.run.verdicts),
        "values in which the target differs from its twin, and from the engine of `--check`",
        NO_UNIT,
    ),
    "kept": ReportedNumber(lambda report: _match(report).kept, "spikes in floats and integers", NO_UNIT),
    "lost": ReportedNumber(lambda report: _match(report).lost, "spikes in the floats alone", NO_UNIT),
    "added": ReportedNumber(lambda report: _match(report).added, "spikes in the integers alone", NO_UNIT),
    "f1": ReportedNumber(lambda report: _match(report).f1, "2 kept / (2 kept + lost + added)", PERCENT),
    "rate": ReportedNumber(_rate, "spikes per neuron and step", PERCENT),
    "energy": ReportedNumber(_energy, "counted events of one inference at the profile's prices", PJ),
    "neurons": ReportedNumber(
        lambda report: sum(part.occupancy.neurons for part in report.parts), "on the chip", NO_UNIT
    ),
    "synapses": ReportedNumber(
        lambda report: sum(part.occupancy.synapses for part in report.parts), "on the chip", NO_UNIT
    ),
    "cores": ReportedNumber(lambda report: sum(part.occupancy.cores for part in report.parts), "of the map", NO_UNIT),
    "chips": ReportedNumber(lambda report: sum(part.occupancy.chips for part in report.parts), "of the map", NO_UNIT),
    "step_time": ReportedNumber(_slowest(lambda time: time.times.step.value), "of the chip, on average, estimated", NS),
    "latency": ReportedNumber(_slowest(lambda time: time.times.isolated.value), "of a sample alone, estimated", NS),
    "throughput": ReportedNumber(_throughput, "samples per second in a stream, estimated", NO_UNIT),
}
"""Name -> the quantity."""


@dataclass(frozen=True)
class Condition:
    """One condition, read."""

    text: str
    name: str
    comparison: str
    number: float
    """In the quantity's own unit."""

    def holds(self, report: Report) -> bool:
        """Whether the report fulfils it; CompileError where the report does not have the number."""
        value = self._value(report)
        if value is None:
            raise CompileError("fail-if.value", f"{self.name} was not measured", hint=_known(report.metrics.values))
        return COMPARISONS[self.comparison](value, self.number)

    def _value(self, report: Report) -> float | None:
        if self.name in QUANTITIES:
            return QUANTITIES[self.name].value(report)
        return report.metrics.values.get("compiled", {}).get(self.name)


def parse_condition(text: str) -> Condition:
    """A condition from its text; CompileError where it is none, or its unit does not fit its name."""
    match = GRAMMAR.fullmatch(text)
    if match is None:
        hint = 'NAME OPERATOR NUMBER [UNIT], as "accuracy < 0.97" or "energy > 1 uJ", exponents of two digits'
        raise CompileError("fail-if.syntax", f"{text!r} is no condition", hint=hint)
    quantity = QUANTITIES.get(match["name"])
    units = PERCENT if quantity is None else quantity.units
    unit = match["unit"]
    if unit not in units and (unit or units in (PJ, NS)):
        what = f"{match['name']} has no unit {unit!r}" if unit else f"{match['name']} needs a unit"
        raise CompileError("fail-if.unit", what, where=text, hint=f"units: {', '.join(units) or 'none'}")
    number = float(Fraction(match["number"]) * Fraction(str(units[unit]))) if unit else float(match["number"])
    return Condition(text.strip(), match["name"], match["comparison"], number)


def check_names(conditions: Iterable[Condition], *, metrics: Iterable[str] | None) -> None:
    """
    Refuse conditions on numbers that a report will not have, before anything runs.

    Args:
        conditions: what the user asked for.
        metrics: the task's metrics; None where it does not say their names beforehand, so that any name may be one.
    """
    if metrics is None:
        return
    names = tuple(metrics)
    for condition in conditions:
        if condition.name not in QUANTITIES and condition.name not in names:
            what = f"nothing is called {condition.name!r}, or it is not measured here"
            raise CompileError("fail-if.name", what, where=condition.text, hint=_known({"compiled": names}))


def _known(metrics: Mapping[str, Iterable[str]]) -> str:
    """All names, for a message."""
    return f"known: {', '.join([*QUANTITIES, *metrics.get('compiled', ())])}"
