"""One part's samples run, checked and accounted for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compile.command.progress import Progress
from compile.energy import (
    PUBLISHED_TABLES,
    CrossingCost,
    EnergyReport,
    PublishedTable,
    crossing_cost,
    energy_report,
    missing_prices,
)
from compile.measure.borders import borders
from compile.measure.firing import firing_warnings
from compile.measure.layers import layer_summaries
from compile.measure.metric import Metric, accuracy, measured, same_names
from compile.measure.occupancy import occupancy
from compile.measure.pooling import pooling_costs
from compile.measure.run import Run, run_part
from compile.report.report import Metrics, PartReport
from compile.stages.batches import Batch
from compile.stages.build import Build
from compile.stages.phase import crossings
from compile.stages.source import Source
from ir.errors import CompileError
from ir.mapping.fit import fit
from ir.profile import Profile


def part_report(
    build: Build,
    source: Source,
    batches: Iterable[Batch],
    profile: Profile,
    progress: Progress,
    check: str | None = None,
) -> PartReport:
    """Run a part's samples, compare them with a third engine where `check` names one, and account for them."""
    chip = build.program.deployment.chip
    found = build.fit or fit(chip, profile, build.program.cores)  # a saved program lacks it
    build = replace(build, fit=found)
    run = run_part(build, batches, progress, check)
    crossed = crossings(build.program.phases, run.events)
    crossing = crossing_cost(crossed, run.events.samples, profile)
    layers = layer_summaries(chip, run.events, build.classes)
    return PartReport(
        build,
        run,
        layers,
        occupancy(build.deployment, profile, found),
        _energy(build, run, source, profile, crossing),
        crossing,
        crossed,
        pooling_costs(build.deployment),
        borders(build.program, run.events),
        firing_warnings(chip, layers, run.matches, run.events.samples),
    )


def sample_metrics(run: Run, metric: Metric | None) -> Metrics:
    """A metric of the samples that were run, by default accuracy where there are labels; its error is kept, not raised."""
    if metric is None and run.labels is None:
        return Metrics()
    samples, outputs = f"{run.events.samples} samples", {**run.others, "compiled": run.outputs}
    try:
        values = same_names({kind: measured(metric or accuracy, own, run.labels) for kind, own in outputs.items()})
    except CompileError as error:
        return Metrics(samples=samples, error=error)
    return Metrics(values, samples)


def _energy(build: Build, run: Run, source: Source, profile: Profile, crossing: CrossingCost) -> EnergyReport | None:
    """The energy comparison; None where the profile has no price for something that happened."""
    chip = build.program.deployment.chip
    if missing_prices(chip, run.events, profile):
        return None
    deployments = [phase.deployment for phase in build.program.phases]
    hosts = [graph for each in deployments for graph in (each.prologue, each.epilogue)]
    table = published_table(source)
    return energy_report(build.source, run.rates, chip, run.events, profile, table, hosts, crossing)


def published_table(source: Source) -> PublishedTable | None:
    """The paper's energy table that the model file names, if any; CompileError where nobody knows it."""
    if source.energy_table is None:
        return None
    if source.energy_table not in PUBLISHED_TABLES:
        what, hint = f"unknown ENERGY_TABLE {source.energy_table!r}", f"known: {', '.join(PUBLISHED_TABLES)}"
        raise CompileError("model.energy-table", what, where=source.name, hint=hint)
    return PUBLISHED_TABLES[source.energy_table]
