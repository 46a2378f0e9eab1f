"""
What a NIR file leaves open, as options: `Semantics` holds one value for each, `OPTIONS` says what the values mean.

NIR stores differential equations and parameters, but no time step, integrator, kind of reset, initial state, strictness of the
threshold or latency, and every framework means something else by the same file. Equations of all options: docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from ir.errors import CompileError


@dataclass(frozen=True)
class Semantics:
    """One complete reading of a NIR file; the defaults are the canonical one. Values and meaning: `OPTIONS`."""

    dt: float | None = None
    time_unit: str = "s"
    integrator: str = "euler"
    threshold: str = "gt"
    reset: str = "value"
    reset_at: str = "same"
    cuba_reset_at: str = "as_lif"
    v0: str | float = "zero"
    if_gain: str = "second"
    li_gain: str = "ode"
    lif_gain: str = "ode"
    cuba_gain: str = "ode"
    order: str = "current_first"
    max_spikes: int = 1
    latency: int = 0
    back_edge: str = "edge"
    delay_rounding: str = "nearest"

    def options(self) -> dict[str, Any]:
        """Option -> value, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Option:
    """One option."""

    meaning: str
    """What it is about."""
    values: Mapping[str, str]
    """Its named values and what they mean."""
    number: Callable[[Any], float | int] | None = None
    """Reads the numbers that it takes beside them, ValueError for others; None where it takes none."""
    numbers: str = ""
    """Which numbers these are, in words."""

    def listed(self) -> str:
        """The values in words, for messages."""
        return ", ".join([*self.values, *([self.numbers] if self.numbers else [])])


def positive(value: Any) -> float:
    """A finite number above 0; ValueError otherwise."""
    number = real(value)
    if number <= 0:
        raise ValueError(value)
    return number


def real(value: Any) -> float:
    """A finite number; ValueError otherwise."""
    if isinstance(value, bool):
        raise ValueError(value)
    number = float(value)
    if not isfinite(number):
        raise ValueError(value)
    return number


def count(value: Any) -> int:
    """A whole number from 0; ValueError otherwise."""
    number = real(value)
    if number < 0 or number != int(number) or number > LARGEST_COUNT:
        raise ValueError(value)
    return int(number)


LARGEST_COUNT = 1 << 20
"""More spikes, or steps, than anybody can mean."""

OPTIONS: dict[str, Option] = {
    "dt": Option("time step, in the file's unit of time", {}, positive, "a number above 0"),
    "time_unit": Option(
        "unit of the file's time constants, and of dt",
        {"s": "seconds", "ms": "milliseconds", "step": "steps: dt is 1 unless it is given"},
    ),
    "integrator": Option(
        "share a of the way to its target that a leaky variable goes in one step",
        {"euler": "a = dt / tau", "exponential": "a = 1 - exp(-dt / tau)"},
    ),
    "threshold": Option("when a membrane fires", {"gt": "v > threshold", "ge": "v >= threshold"}),
    "reset": Option(
        "what a spike does to the membrane",
        {
            "value": "v <- v_reset",
            "subtract": "v <- v - threshold per spike",
            "subtract_once": "as subtract, but a neuron that ends a step above its threshold must exceed twice that in the next",
            "none": "nothing",
        },
    ),
    "reset_at": Option(
        "when it does so",
        {
            "same": "in the step of the spike",
            "next": "in the next step, after that step's integration",
            "next_on_loops": "as next for neurons that lie on a loop of the network, as same for the others",
        },
    ),
    "cuba_reset_at": Option(
        "when it does so in CubaLIF",
        {"as_lif": "as reset_at says", "same": "in the step of the spike", "next": "in the next step"},
    ),
    "v0": Option(
        "the membrane before the first step",
        {
            "zero": "0",
            "v_leak": "v_leak of the neuron; v_reset where it has none, as IF",
            "v_reset": "v_reset of the neuron; 0 where it has none, as LI",
        },
        real,
        "a number",
    ),
    "if_gain": Option("what I and IF add to v in one step", {"second": "dt r x", "step": "r x"}),
    "li_gain": Option(
        "v of LI after one step, a its share",
        {
            "ode": "v + a ((v_leak - v) + r x), as the equation says",
            "step": "(1 - a) v + a v_leak + r x",
            "unit": "(1 - a) v + a v_leak + x: r is ignored",
            "decayed": "(1 - a) (v + x) + a v_leak: decays after the input came in, r is ignored",
        },
    ),
    "lif_gain": Option(
        "what the membrane of LIF, CubaLI and CubaLIF adds to v in one step, i its current, a its share",
        {"ode": "a r i, as the equation says", "step": "r i", "unit": "i: r is ignored"},
    ),
    "cuba_gain": Option(
        "the synaptic current after one step of CubaLI and CubaLIF, c its share",
        {
            "ode": "j + c (w_in x - j), as the equation says",
            "step": "(1 - c) j + w_in x",
            "decayed": "(1 - c) (j + w_in x): decays after the input came in",
        },
    ),
    "order": Option(
        "which current the membrane of CubaLI and CubaLIF sees",
        {"current_first": "the one after this step", "membrane_first": "the one before this step"},
    ),
    "max_spikes": Option(
        "spikes of a neuron in one step at most", {}, count, f"a whole number up to {LARGEST_COUNT}, 0 for no limit"
    ),
    "latency": Option("steps between a spike and its arrival", {}, count, f"a whole number up to {LARGEST_COUNT}"),
    "back_edge": Option(
        "where a loop without Delay is delayed by one step",
        {
            "edge": "at the edge that closes it, found depth first from the inputs",
            "spikes": "as `edge`, but at the spikes on the way to that edge",
            "all": "at every edge of the loop that carries spikes; without any, as `edge`",
        },
    ),
    "delay_rounding": Option("Delay in whole steps", {"nearest": "halves up", "floor": "downwards", "ceil": "upwards"}),
}
"""Option -> what it means; the names are the fields of `Semantics`."""


def checked(name: str, value: Any) -> Any:
    """
    The value of an option in its own type.

    Raises:
        CompileError: for names and values that are not known, listing those that are.
    """
    option = OPTIONS.get(name)
    if option is None:
        raise CompileError("semantics.option", f"unknown option {name!r}", hint=f"known: {', '.join(OPTIONS)}, preset")
    if isinstance(value, str) and value in option.values:
        return value
    try:
        if option.number is not None:
            return option.number(value)
    except (TypeError, ValueError):
        pass
    raise CompileError("semantics.value", f"{name} cannot be {value!r}", hint=f"known: {option.listed()}")


def rows() -> list[tuple[str, str, str]]:
    """(option, value, meaning) of everything, the canonical value marked: what `--list semantics` prints."""
    default = Semantics().options()
    table: list[tuple[str, str, str]] = []
    for field in fields(Semantics):
        option = OPTIONS[field.name]
        values = dict(option.values) | ({option.numbers: option.meaning} if option.numbers else {})
        for value, meaning in values.items():
            canonical = value == default[field.name] or (not option.values and default[field.name] is not None)
            mark = f" (canonical: {default[field.name]})" if canonical else ""
            table.append((field.name, value, meaning + mark))
    return table
