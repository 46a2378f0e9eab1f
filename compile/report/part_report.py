"""One part's samples run, checked and accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from compile.command.progress import Progress
from compile.energy import (
    PUBLISHED_TABLES,
    Activity,
    CrossingCost,
    EnergyReport,
    OnChip,
    PublishedTable,
    SampleFacts,
    crossing_cost,
    energy_report,
    missing_prices,
    on_chip,
    price_table,
    sample_facts,
)
from compile.measure.borders import borders
from compile.measure.firing import firing_warnings
from compile.measure.layers import layer_summaries
from compile.measure.metric import Metric, accuracy, measured, same_names
from compile.measure.occupancy import occupancy
from compile.measure.pooling import pooling_costs
from compile.measure.run import Run, run_part
from compile.measure.timing import ChipTime
from compile.report.report import Metrics, PartReport
from compile.stages.batches import Batch
from compile.stages.build import Build
from compile.stages.phase import crossings
from compile.stages.source import Source
from ir.errors import CompileError
from ir.graph import Graph
from ir.mapping.fit import Fit, fit
from ir.profile import Profile


def part_report(
    build: Build,
    source: Source,
    batches: Iterable[Batch],
    progress: Progress,
    prices: Sequence[Profile],
    activity: Activity | None = None,
    check: str | None = None,
) -> PartReport:
    """
    Run a part's samples, compare them with a third engine where `check` names one, and account for them.

    Args:
        prices: the program's profile, then others at whose prices the energy is shown.
        activity: what is accounted for where that is not the samples that run here, but a whole test set.
    """
    profile = prices[0]
    chip = build.program.deployment.chip
    found = build.fit or fit(chip, profile, build.program.cores)  # a saved program lacks it
    build = replace(build, fit=found)
    run = run_part(build, batches, progress, check)
    activity = activity or Activity(run.events, run.rates)
    events = activity.events
    crossed = crossings(build.program.phases, events)
    crossing = crossing_cost(crossed, events.samples, profile)
    layers = layer_summaries(chip, events, build.classes)
    facts = _facts(build, activity, source, crossing)
    return PartReport(
        build,
        run,
        activity,
        layers,
        occupancy(build.deployment, profile, found),
        _energy(build, activity, source, profile, crossing),
        tuple(price_table(facts, each) for each in prices),
        _on_chip(facts, run.timing, found, profile),
        crossing,
        crossed,
        pooling_costs(build.deployment),
        borders(build.program, events),
        firing_warnings(chip, layers, run.matches, events.samples, build.program.deployment.quantization),
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


def _facts(build: Build, activity: Activity, source: Source, crossing: CrossingCost) -> SampleFacts:
    chip, table = build.program.deployment.chip, published_table(source)
    return sample_facts(build.source, activity.rates, chip, activity.events, table, _hosts(build), crossing)


def _on_chip(facts: SampleFacts, time: ChipTime | None, found: Fit, profile: Profile) -> OnChip | None:
    """The events on the map; None where nobody knows how long samples take."""
    if time is None:
        return None
    return on_chip(facts, time.times, (time.chip_steps, time.isolated_steps), found.cores.chips, profile)


def _hosts(build: Build) -> list[Graph]:
    """The graphs of the host, of all phases."""
    deployments = [phase.deployment for phase in build.program.phases]
    return [graph for each in deployments for graph in (each.prologue, each.epilogue)]


def _energy(
    build: Build, activity: Activity, source: Source, profile: Profile, crossing: CrossingCost
) -> EnergyReport | None:
    """The energy comparison; None where the profile has no price for something that happened."""
    chip = build.program.deployment.chip
    if missing_prices(chip, activity.events, profile):
        return None
    table = published_table(source)
    return energy_report(build.source, activity.rates, chip, activity.events, profile, table, _hosts(build), crossing)


def published_table(source: Source) -> PublishedTable | None:
    """The paper's energy table that the model file names, if any; CompileError where nobody knows it."""
    if source.energy_table is None:
        return None
    if source.energy_table not in PUBLISHED_TABLES:
        what, hint = f"unknown ENERGY_TABLE {source.energy_table!r}", f"known: {', '.join(PUBLISHED_TABLES)}"
        raise CompileError("model.energy-table", what, where=source.name, hint=hint)
    return PUBLISHED_TABLES[source.energy_table]
