"""The report for the terminal: one screen."""

from __future__ import annotations

from collections.abc import Iterator

from backends.netx.emitted_file import EmittedFile
from compile.command.screen import Screen
from compile.energy import CrossingCost
from compile.measure.run import engine_text
from compile.report.energy_lines import energy_lines
from compile.report.report import Metrics, PartReport, Report
from compile.report.table import table_lines
from compile.report.units import energy_text
from compile.stages.phase import latency_steps
from frontend.nir.import_nir import NirImport

LAYERS_IN_FULL = 18
"""Up to this many layers, every one has its own line; beyond it the layers of one module share a line."""


def report_text(report: Report, screen: Screen) -> str:
    """The whole report."""
    return "\n".join(_lines(report, screen))


def _lines(report: Report, screen: Screen) -> Iterator[str]:
    options, source = report.options, report.source
    config = f" ({source.config})" if source.config else ""
    engine = engine_text(report.parts[0].build.program)
    samples = report.parts[0].run.events.samples
    title = f"{source.name}{config} -> {options.target}: {engine}, {options.precision}, profile {report.profile}"
    yield from screen.wrapped(title)
    yield f"T = {_steps_text(report.parts[0])}, {samples} samples; energies per sample"
    for text in report.warnings:
        first, *others = screen.wrapped(f"warning  {text}")
        yield first.replace("warning", screen.paint("warning", "bad"), 1)
        yield from others
    yield from _wrapped(_reading_lines(source.reading), screen)
    yield ""
    by_module = sum(len(part.layers) for part in report.parts) > LAYERS_IN_FULL
    yield from table_lines(report.parts, by_module, screen)
    yield ""
    yield from _check_lines(report, screen)
    yield from _wrapped(_spike_lines(report), screen)
    yield from _wrapped(_chip_lines(report), screen)
    yield from _wrapped(_time_lines(report), screen)
    yield from _wrapped(_pooling_lines(report), screen)
    yield from _wrapped(_phase_lines(report), screen)
    for line in energy_lines(report):
        yield from [line] if line.startswith(" ") else screen.wrapped(line)  # a table stays one
    yield from _wrapped(_crossing_lines(report), screen)
    yield from _metric_lines(report.metrics, screen)
    for part in report.parts:
        if part.emitted is not None:
            yield from screen.wrapped(f"emitted  {part.build.part.name}: {_emitted_text(part.emitted)}")
    if report.files:
        written = next(iter(report.files.values()))
        yield f"files    {written}, {written.parent}"


def _emitted_text(file: EmittedFile) -> str:
    """What a file of another tool is loaded with, and how its outputs compare."""
    arguments = ", ".join(f"{name}={value}" for name, value in file.arguments.items()) or "nothing else"
    samples = "samples may follow each other" if file.back_to_back else "a run is one sample"
    relays = f", {file.relays} neurons hand on spikes" if file.relays else ""
    return f"{file.name}, loaded with {arguments}; outputs {file.latency} steps later, {samples}{relays}"


def _check_lines(report: Report, screen: Screen) -> Iterator[str]:
    for part in report.parts:
        imported = part.build.imported
        if imported is not None:
            yield from screen.wrapped(f"import   {part.build.part.name}: {imported.text()}")
    for name, verdict in ((part.build.part.name, verdict) for part in report.parts for verdict in part.run.verdicts):
        mark = verdict.mark
        style = "good" if mark == "PASS" else "bad"
        text = f"check    {name}: {mark}, {verdict.against}: {verdict.text()}"
        first, *others = screen.wrapped(text)
        yield first.replace(f": {mark},", f": {screen.paint(mark, style)},", 1)
        yield from others


def _spike_lines(report: Report) -> Iterator[str]:
    """What the integers did to the floats' spikes."""
    for part in report.parts:
        if part.run.matches and report.options.precision == "int":
            yield f"spikes   {part.build.part.name}: integers against floats, {part.match.text()}"


def _chip_lines(report: Report) -> Iterator[str]:
    for part in report.parts:
        if part.occupancy.neurons:
            yield f"chip     {part.build.part.name}: {part.occupancy.text()}"
        if part.build.wanted_map is not None:
            yield f"map      {part.build.part.name}: {part.build.wanted_map.text()}"
        for misfit in part.occupancy.misfits:
            yield f"unfit    {part.build.part.name}: {misfit.what} ({misfit.rule})"


def _time_lines(report: Report) -> Iterator[str]:
    """What steps and samples take on the chip, where its profile has times."""
    times = {part.build.part.name: part.run.timing for part in report.parts if part.occupancy.neurons}
    for name, own in times.items():
        if own is not None:
            yield f"time     {name}: {own.text()}"
    if times and not any(times.values()):
        yield f"time     no times are published for profile {report.profile}"


def _steps_text(part: PartReport) -> str:
    """T, that of every phase where they differ in it."""
    steps, windows = part.run.events.steps, sorted({phase.deployment.chip.steps for phase in part.build.program.phases})
    if not isinstance(steps, int):
        return f"{float(steps):.1f} on average"
    if len(windows) > 1:
        return " and ".join(map(str, windows))
    return str(steps) if part.build.source.steps else f"{steps} (streaming)"


def _phase_lines(report: Report) -> Iterator[str]:
    """Of networks that need the host in between: what crosses each border, and when the outputs are there."""
    for part in report.parts:
        if part.borders:
            phases = part.build.program.phases
            crossings = "; ".join(f"{border.text()}{_for_energy(border.crossing)}" for border in part.borders)
            latency = f"outputs {latency_steps(phases)} steps behind the inputs"
            yield f"phases   {part.build.part.name}: {len(phases)}, {latency}; per sample, {crossings}"


def _for_energy(crossing: CrossingCost) -> str:
    return f", for {energy_text(crossing.energy_pj)}" if crossing.energy_pj else ""


def _crossing_lines(report: Report) -> Iterator[str]:
    """What passes between host and chip, and whether the counted energy has a price for it."""
    crossing = sum((part.crossing for part in report.parts), CrossingCost())
    if not crossing.events:
        return
    lacking = f"not priced, as profile {report.profile} has no {' or '.join(crossing.unpriced)}"
    cost = lacking if crossing.unpriced else energy_text(crossing.energy_pj)
    yield f"crossing {crossing.text()} per sample between host and chip: {cost}"


def _pooling_lines(report: Report) -> Iterator[str]:
    """What maxima over windows cost."""
    for part in report.parts:
        for cost in part.poolings:
            yield f"pooling  {part.build.part.name}: {cost.text()}"


def _reading_lines(imported: NirImport | None) -> Iterator[str]:
    """How a NIR file was understood: every option by who said so, and what looks like a mistake."""
    if imported is None or imported.reading is None:
        return
    record = imported.reading.record()
    for source in dict.fromkeys(item["source"] for item in record.values()):
        options = ", ".join(f"{name}={item['value']}" for name, item in record.items() if item["source"] == source)
        yield f"reading  {source}: {options}"
    for lint in imported.lints:
        yield f"note     {f'{lint.node}: ' if lint.node else ''}{lint.text}"


def _metric_lines(metrics: Metrics, screen: Screen) -> Iterator[str]:
    if metrics.error is not None:
        first, *others = screen.wrapped(f"task     FAILED: {metrics.error.what}")
        yield first.replace("FAILED", screen.paint("FAILED", "bad"), 1)
        yield from others
    if not metrics.values:
        return
    names = next(iter(metrics.values.values()))
    for name in names:
        kinds = ", ".join(f"{kind} {own[name]:.4g}" for kind, own in metrics.values.items())
        yield from screen.wrapped(f"task     {name} on {metrics.samples}: {kinds}")


def _wrapped(lines: Iterator[str], screen: Screen) -> Iterator[str]:
    for line in lines:
        yield from screen.wrapped(line)
