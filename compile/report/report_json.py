"""report.json: the same findings for machines. The schema is documented in docs/report.md and versioned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, cast

from backends.trace import Crossing
from compile.energy import crossing_cost
from compile.measure.run import engine_text
from compile.measure.spike_match import SpikeMatch
from compile.measure.verdict import Verdict
from compile.report.origin import versions
from compile.report.report import PartReport, Report
from compile.report.schema import SCHEMA
from compile.stages.options import Options
from compile.stages.phase import latency_steps
from frontend.nir.import_nir import NirImport
from frontend.tracing.import_check import ImportCheck

UNSEEN_IN_RESULTS = ("out", "dump", "fail_if")
"""Options that change nothing of what a report says."""


def report_content(report: Report) -> dict[str, Any]:
    """The report as JSON content; units are in the names."""
    options, source = report.options, report.source
    return {
        "schema": SCHEMA,
        "network": source.name,
        "config": source.config,
        "weights": source.weights,
        "target": options.target,
        "engine": engine_text(report.parts[0].build.program),
        "precision": options.precision,
        "profile": report.profile,
        "options": _options(options),
        "versions": versions(),
        "steps": _steps(report.parts[0]),
        "passed": report.passed,
        "semantics": _semantics(source.reading),
        "lints": [asdict(lint) for lint in source.reading.lints] if source.reading else [],
        "warnings": [*report.warnings],
        "energy": report.energy.plain(),
        "parts": [_part(part) for part in report.parts],
        "metrics": {kind: dict(values) for kind, values in report.metrics.values.items()},
        "metrics_samples": report.metrics.samples,
        "metrics_error": None if report.metrics.error is None else report.metrics.error.what,
        "examples": [example.plain() for example in report.metrics.examples],
        "seconds": dict(report.seconds),
        "files": [*report.files],
    }


def _options(options: Options) -> dict[str, Any]:
    """Those that are not the defaults, as text where JSON has no such value."""
    given = {item.name: getattr(options, item.name) for item in fields(options) if item.name not in UNSEEN_IN_RESULTS}
    defaults = Options()
    return {name: _plain_option(value) for name, value in given.items() if value != getattr(defaults, name)}


def _plain_option(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain_option(own) for name, own in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, tuple):
        return [_plain_option(own) for own in cast("tuple[Any, ...]", value)]
    return value if isinstance(value, bool | int | float | str) else str(value)


def _steps(part: PartReport) -> float:
    """T of the samples, the mean where they differ in it; 0 for a network without windows."""
    steps = part.run.events.steps if part.build.source.steps else 0
    return steps if isinstance(steps, int) else float(steps)


def _part(part: PartReport) -> dict[str, Any]:
    events, deployment, imported = part.activity.events, part.build.deployment, part.build.imported
    quantization, plan = deployment.quantization, deployment.schedule
    return {
        "name": part.build.part.name,
        "samples": events.samples,
        "checked_samples": part.run.events.samples,
        "training": part.build.part.training,
        "import": _import(imported),
        "spikes": part.match.plain() if part.run.matches else None,
        "layers": [{**asdict(layer), "spikes": _spikes(part.run.matches.get(layer.name))} for layer in part.layers],
        "check": _verdict(part.run.verdict),
        "third_check": None if part.run.third is None else _verdict(part.run.third),
        "quantization": [asdict(layer) for layer in quantization.layers] if quantization is not None else None,
        "chip": part.occupancy.plain(),
        "map": part.build.wanted_map.plain()
        if part.build.wanted_map is not None
        else {"for": "plain", "is_plain": True},
        "timing": part.run.timing.plain() if part.run.timing is not None else None,
        "poolings": [{**asdict(cost), "neurons": cost.neurons} for cost in part.poolings],
        "phases": len(part.build.program.phases),
        "phase_steps": [phase.deployment.chip.steps for phase in part.build.program.phases],
        "borders": [border.plain() for border in part.borders],
        "crossings": [_crossing(part, crossing) for crossing in part.crossings],
        "latency_steps": latency_steps(part.build.program.phases),
        "depths": dict(plan.depth) if plan is not None else {},
        "events": {kind: dict(getattr(events, kind)) for kind in ("spikes", "synaptic", "updates")},
        "energy": part.energy.plain() if part.energy is not None else None,
        "energy_tables": [table.plain() for table in part.tables],
        "energy_on_chip": part.on_chip.plain() if part.on_chip is not None else None,
        "emitted": part.emitted.plain() if part.emitted is not None else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "passed": verdict.passed}


def _crossing(part: PartReport, crossing: Crossing) -> dict[str, Any]:
    """A value that passes between host and chip, per sample."""
    cost = crossing_cost([crossing], part.activity.events.samples, part.build.program.profile)
    return {**asdict(crossing), **cost.plain()}


def _spikes(match: SpikeMatch | None) -> dict[str, float] | None:
    """Kept, lost and added; None for a population that emits payloads."""
    return None if match is None else match.plain()


def _semantics(imported: NirImport | None) -> dict[str, Any] | None:
    """Option -> value and who said so; None for networks that leave nothing open."""
    return imported.reading.record() if imported and imported.reading else None


def _import(check: ImportCheck | None) -> dict[str, Any] | None:
    """The check of the import; None for a graph that was read, not traced."""
    if check is None:
        return None
    return {**asdict(check), "compared": check.compared, "within_rounding": check.within_rounding}
