"""
Which reading of a NIR file holds, option by option, and who said so.

In this order: the caller's options, the caller's preset, the graph's metadata (options, then a preset named there), the
fingerprint of the framework that wrote the file (what follows from it with certainty; what is only likely is said as a lint),
the canonical reading. A preset is complete: below it nothing is asked. Only the time step of a preset gives way to the file's own
`dt`, as it is a default of the framework's exporter at best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontend.nir.meaning.semantics import Semantics, checked
from frontend.nir.meaning.semantics_presets import PRESETS, preset
from frontend.nir.meaning.semantics_statement import (
    SemanticsLike,
    SemanticsStatement,
    parse_semantics,
    semantics_in_metadata,
)
from frontend.nir.meaning.time_step import plausible_steps, ratio_of_gains, timed_nodes
from frontend.nir.reading.network import NirNetwork
from ir.errors import CompileError, first_names

SHARED_STEP = 1e-4
"""The time step of snnTorch 1.0.0 (fixed) and SpikingJelly 2.0.0 (default), which both write r = tau / dt, in seconds."""


@dataclass(frozen=True)
class Reading:
    """How a NIR file is read."""

    semantics: Semantics
    """All options."""
    sources: Mapping[str, str]
    """Option -> who said so."""
    remarks: tuple[str, ...] = ()
    """What in the file's metadata was not taken as semantics, in words."""

    def record(self) -> dict[str, dict[str, Any]]:
        """Option -> value and source, ready for JSON."""
        return {
            name: {"value": value, "source": self.sources[name]} for name, value in self.semantics.options().items()
        }


def resolve(network: NirNetwork, stated: SemanticsLike = None, dt: float | None = None) -> Reading:
    """
    The reading of a network.

    Args:
        stated: what the caller says: a preset, options, or both.
        dt: the time step, likewise.

    Raises:
        CompileError: for unknown options and values, and without a time step where one is needed (rule `nir.dt`).
    """
    caller = parse_semantics(stated)
    if dt is not None:
        caller = _with_dt(caller, _checked_dt(network, dt))
    file, remarks = semantics_in_metadata(network.metadata)
    layers = _layers(caller, file, network)
    values, sources = dict[str, Any](), dict[str, str]()
    for options, source in layers:
        for name, value in options.items():
            if name not in values:
                values[name], sources[name] = value, source
    if values["dt"] is None and values["time_unit"] == "step":
        values["dt"], sources["dt"] = 1.0, f"time_unit of {sources['time_unit']}"
    if values["dt"] is None and timed_nodes(network, values["if_gain"]):
        _refuse(network, values["if_gain"])
    return Reading(Semantics(**values), sources, tuple(remarks))


def _checked_dt(network: NirNetwork, dt: float) -> float:
    try:
        return checked("dt", dt)
    except CompileError as error:
        raise CompileError(error.rule, error.what, hint=f"{error.hint}; {plausible_steps(network)}") from None


def _with_dt(caller: SemanticsStatement, dt: float) -> SemanticsStatement:
    other = caller.options.get("dt", dt)
    if other != dt:
        raise CompileError("semantics.option", f"dt is stated twice, as {dt} and as {other}")
    return SemanticsStatement({**caller.options, "dt": dt}, caller.preset)


def _layers(
    caller: SemanticsStatement, file: SemanticsStatement, network: NirNetwork
) -> list[tuple[Mapping[str, Any], str]]:
    """Options and their source, the strongest first; the last layer states every option."""
    layers: list[tuple[Mapping[str, Any], str]] = [(caller.options, "flag")]
    if caller.preset:
        layers += [
            ({key: value for key, value in file.options.items() if key == "dt"}, "metadata"),
            (_complete(caller.preset), f"preset {caller.preset}"),
        ]
    layers.append((file.options, "metadata"))
    if file.preset:
        layers.append((_complete(file.preset), f"metadata, preset {file.preset}"))
    trace, options = ("", dict[str, Any]()) if caller.preset or file.preset else _fingerprint(network)
    return [*layers, (options, f"fingerprint {trace}"), (Semantics().options(), "canonical")]


def _fingerprint(network: NirNetwork) -> tuple[str, Mapping[str, Any]]:
    """
    The trace of a framework and the options that certainly follow from it; ("", {}) where there is none.

    Neurons of different time constants whose gains are all tau / 0.0001 were written for that time step. Which of the two
    frameworks it was, and so how neurons reset, remains open.
    """
    if ratio_of_gains(network) != SHARED_STEP:
        return "", {}
    return "r = tau / dt of snnTorch and SpikingJelly", {"dt": SHARED_STEP}


def _complete(name: str) -> dict[str, Any]:
    """All options of a preset; without a time step where it has none of its own."""
    return {key: value for key, value in preset(name).semantics().options().items() if value is not None}


def _refuse(network: NirNetwork, if_gain: str) -> None:
    """CompileError for a missing time step."""
    shown = first_names(timed_nodes(network, if_gain), 3)
    fixed = ", ".join(name for name, item in PRESETS.items() if item.dt_fixed)
    hint = f"say --dt in the unit of the time constants; {plausible_steps(network)}; presets that know it: {fixed}"
    raise CompileError("nir.dt", f"the file does not say its time step, which {shown} need", hint=hint)
