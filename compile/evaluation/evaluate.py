"""From settings to rows: compile, run what is not cached yet, measure. The next setting compiles while batches run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from tqdm import tqdm

from backends.targets import REFERENCE
from backends.trace import Array, Events
from compile.command.progress import Progress
from compile.energy.crossing import crossing_cost
from compile.energy.simulated import Counts, node_counts
from compile.evaluation.batch import Network, batch_key, network_of
from compile.evaluation.result_cache import BatchResult, ResultCache, total_events, unpack
from compile.evaluation.setting import Setting
from compile.evaluation.workers import Workers
from compile.measure.spike_match import SpikeMatch, match_spikes, total
from compile.stages.build import Build, build_parts
from compile.stages.imported import Imported
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.phase import crossings
from compile.stages.samples import cut_samples, join_samples
from compile.stages.source import Source
from ir.errors import CompileError
from ir.profile import Profile

MATCHED_SAMPLES = 32
"""Samples of each part whose spikes are compared with those of the floats."""
BATCH_SAMPLES = 64
"""Samples of a batch: what an interrupted run loses per core, and what a worker gets at a time."""
WATCH_S = 5
"""Where nothing has come for so long, workers are looked after."""


@dataclass(frozen=True)
class EvaluationRow:
    """What one setting came to."""

    setting: Setting
    samples: Mapping[str, int] = field(default_factory=dict[str, int])
    """Part -> samples."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """The task's, on the whole test set."""
    energy_pj: Fraction | None = None
    """Counted events times prices for one sample of every part; None where the profile lacks a price."""
    spikes: SpikeMatch = field(default_factory=SpikeMatch)
    """Those of the floats that the integers keep, lose and add, on the first samples of every part."""
    cores: int = 0
    """Of the maps of all parts."""
    refused: CompileError | None = None
    """Why it cannot be compiled, or measured; then there is no more."""


@dataclass(frozen=True)
class Work:
    """A compiled setting whose batches are on their way."""

    setting: Setting
    profile: Profile
    task: Any
    networks: Mapping[str, Network]
    keys: dict[str, list[str]]
    """Part -> the names of its batches' results, in order."""
    results: dict[str, BatchResult]
    """Those that are there, by name."""
    pending: dict[Future[bytes], str]
    """Those that workers are computing, with their names."""
    spikes: SpikeMatch
    cores: int


def evaluate_settings(settings: Iterable[Setting], workers: Workers, cache: ResultCache) -> list[EvaluationRow]:
    """One row per setting, in order; a setting that cannot be compiled is a row that says so."""
    rows: list[EvaluationRow] = []
    previous: Work | EvaluationRow | None = None
    sources = _Sources()
    for setting in settings:
        work = _begin(setting, sources, workers, cache)
        if previous is not None:
            rows.append(_finish(previous, workers, cache))
        previous = work
    return rows if previous is None else [*rows, _finish(previous, workers, cache)]


class _Sources:
    """What settings of one network that follow each other share: it is read and imported once, whatever profile they have."""

    def __init__(self) -> None:
        self._network: tuple[Path, str] | None = None
        self._kept: dict[str, tuple[Source, dict[str, Imported]]] = {}

    def of(self, setting: Setting, options: Options) -> tuple[Source, dict[str, Imported]]:
        """A network with the weights of the options, and the imports of its parts so far."""
        if self._network != (setting.network, setting.config):
            self._network, self._kept = (setting.network, setting.config), {}
        weights = str(options.weights)
        if weights not in self._kept:
            self._kept[weights] = load_source(setting.network, options), {}
        return self._kept[weights]


def _begin(setting: Setting, sources: _Sources, workers: Workers, cache: ResultCache) -> Work | EvaluationRow:
    """Compile, look up what is cached, and send out the rest."""
    options = Options(
        target=REFERENCE,
        profile=setting.profile,
        config=setting.config or None,
        weights=setting.weights,
        lower=setting.lower,
    )
    profile = setting.chip()
    own, other = sources.of(setting, options), replace(options, weights=setting.floats)
    compared, source = own if setting.floats is None else sources.of(setting, other), own[0]
    try:
        builds = _builds(*own, options, profile)
        floats = builds if setting.floats is None else _builds(*compared, other, profile)
    except CompileError as error:
        return EvaluationRow(setting, refused=error)
    networks = [network_of(build) for build in builds]
    cores = sum(build.fit.cores.cores for build in builds if build.fit is not None)
    named = {network.name: network for network in networks}
    work = Work(setting, profile, source.task, named, {}, {}, {}, SpikeMatch(), cores)
    inputs = {network.name: source.task.inputs(network.name) for network in networks}
    for network in networks:
        _send(network, inputs[network.name], work, workers, cache)
    pairs = zip(builds, floats, strict=True)
    return replace(work, spikes=total(_match(own, other, inputs[own.part.name]) for own, other in pairs))


def _builds(source: Source, imports: dict[str, Imported], options: Options, profile: Profile) -> list[Build]:
    """The parts that the task measures."""
    measured = [part for part in source.parts if part.name in source.task.parts]
    with source.running():
        return build_parts(measured, source, options, profile, Progress(quiet=True), imports)


def _match(build: Build, floats: Build, inputs: Mapping[str, Array]) -> SpikeMatch:
    """What became of the floats' spikes of the first samples."""
    first = cut_samples(inputs, build.program, MATCHED_SAMPLES)[0]
    return total(match_spikes(floats.floating.run(first), build.program.run(first)).values())


def _send(network: Network, inputs: Mapping[str, Array], work: Work, workers: Workers, cache: ResultCache) -> None:
    batches = cut_samples(inputs, network.program, BATCH_SAMPLES)
    work.keys[network.name] = [batch_key(network, batch) for batch in batches]
    for key, batch in zip(work.keys[network.name], batches, strict=True):
        cached = cache.load(key)
        if cached is None:
            work.pending[workers.submit(network, batch)] = key
        else:
            work.results[key] = cached


def _finish(work: Work | EvaluationRow, workers: Workers, cache: ResultCache) -> EvaluationRow:
    """Keep the batches' results as they come, then measure."""
    if isinstance(work, EvaluationRow):
        return work
    batches, done = sum(map(len, work.keys.values())), len(work.results)
    with tqdm(total=batches, initial=done, desc=str(work.setting), unit="batch", mininterval=0.5, disable=None) as bar:
        for future in _arriving(work.pending, workers):
            key, packed = work.pending[future], future.result()
            result = unpack(key, packed)
            if result is None:
                what = "a worker computes with other code than this command, or with another numpy or torch"
                hint = "one version everywhere, and none that changes during a run"
                raise CompileError("cluster.worker", what, hint=hint)
            cache.save(key, packed)
            work.results[key] = result
            bar.update()
    results = {part: [work.results[key] for key in keys] for part, keys in work.keys.items()}
    events = {part: total_events(batches) for part, batches in results.items()}
    try:
        metrics = work.task.metrics({part: _joined(work.networks[part], batches) for part, batches in results.items()})
    except CompileError as error:  # of the user's; the batches are kept, and the other settings go on
        return EvaluationRow(work.setting, refused=error)
    samples = {part: counts.samples for part, counts in events.items()}
    return EvaluationRow(work.setting, samples, metrics, _energy_pj(work, events), work.spikes, work.cores)


def _arriving(pending: Iterable[Future[bytes]], workers: Workers) -> Iterator[Future[bytes]]:
    """The futures as they are done."""
    left = set(pending)
    while left:
        done, left = wait(left, WATCH_S, FIRST_COMPLETED)
        yield from done
        if not done:
            workers.watch()


def _joined(network: Network, results: list[BatchResult]) -> dict[str, Array]:
    epilogue = network.phases[-1].epilogue
    types = {name: epilogue.nodes[value].type for name, value in epilogue.outputs.items()}
    return join_samples([result.outputs for result in results], types, network.order)


def _energy_pj(work: Work, events: Mapping[str, Events]) -> Fraction | None:
    """Of one sample of every part; None where the profile has no price for something that happened."""
    try:
        return sum((_part_pj(work, part, counts) for part, counts in events.items()), Fraction(0))
    except CompileError:
        return None


def _part_pj(work: Work, part: str, events: Events) -> Fraction:
    program = work.networks[part].program
    crossing = crossing_cost(crossings(program.phases, events), events.samples, work.profile)
    counts = sum(node_counts(program.deployment.chip, events).values(), Counts())
    return counts.energy_pj(work.profile) + crossing.counted_pj
