"""From settings to rows: compile, run what is not stored yet, measure. The next setting compiles while chunks run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tqdm import tqdm

from backends.targets import REFERENCE
from backends.trace import Array, Events
from compile.command.progress import Progress
from compile.energy.simulated import Counts, node_counts
from compile.evaluation.chunk import Network, chunk_key, network_of, run_chunk
from compile.evaluation.result import Result, total_events, unpack
from compile.evaluation.setting import Setting
from compile.evaluation.store import Store
from compile.evaluation.workers import Workers
from compile.stages.build import build_part
from compile.stages.options import Options
from compile.stages.samples import cut_samples, join_samples
from compile.stages.source import load_source
from hw_profiles import Profile
from ir.errors import CompileError

CHUNK = 64
"""Samples of a chunk: what an interrupted run loses per core, and what a worker gets at a time."""


@dataclass(frozen=True)
class Row:
    """
    What one setting came to.

    samples: part -> samples. metrics: the task's, on the whole test set. energy_pj: counted events times prices for one
    sample of every part, None where the profile lacks a price. refused: why it cannot be compiled; then there is no more.
    """

    setting: Setting
    samples: Mapping[str, int] = field(default_factory=dict[str, int])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    energy_pj: Fraction | None = None
    refused: CompileError | None = None


@dataclass(frozen=True)
class Work:
    """A compiled setting whose chunks are on their way. keys: part -> the chunks' results, in order."""

    setting: Setting
    profile: Profile
    task: Any
    networks: Mapping[str, Network]
    keys: dict[str, list[str]]
    found: dict[str, Result]
    running: dict[Future[bytes], str]


def evaluate_all(settings: Iterable[Setting], workers: Workers, store: Store) -> list[Row]:
    """One row per setting, in order; a setting that cannot be compiled is a row that says so."""
    rows: list[Row] = []
    before: Work | Row | None = None
    for setting in settings:
        begun = _begin(setting, workers, store)
        if before is not None:
            rows.append(_finish(before, store))
        before = begun
    return rows if before is None else [*rows, _finish(before, store)]


def _begin(setting: Setting, workers: Workers, store: Store) -> Work | Row:
    """Compile, look up what is stored, and send out the rest."""
    options = Options(target=REFERENCE, profile=setting.profile, config=setting.config or None, lower=setting.lower)
    profile = setting.chip()
    source = load_source(setting.network, options)
    measured = [part for part in source.parts if part.name in source.task.parts]
    try:
        networks = [network_of(build_part(part, source, options, profile, Progress(quiet=True))) for part in measured]
    except CompileError as error:
        return Row(setting, refused=error)
    work = Work(setting, profile, source.task, {network.name: network for network in networks}, {}, {}, {})
    for network in networks:
        _send(network, work, workers, store)
    return work


def _send(network: Network, work: Work, workers: Workers, store: Store) -> None:
    shared = workers.share(network)
    chunks = cut_samples(work.task.inputs(network.name), network.program, CHUNK)
    work.keys[network.name] = [chunk_key(network, chunk) for chunk in chunks]
    for key, chunk in zip(work.keys[network.name], chunks, strict=True):
        stored = store.load(key)
        if stored is None:
            work.running[workers.submit(run_chunk, shared, chunk)] = key
        else:
            work.found[key] = stored


def _finish(work: Work | Row, store: Store) -> Row:
    """Store the chunks as they come, then measure."""
    if isinstance(work, Row):
        return work
    total, done = sum(map(len, work.keys.values())), len(work.found)
    with tqdm(total=total, initial=done, desc=str(work.setting), unit="chunk", mininterval=0.5) as bar:
        for future in as_completed(work.running):
            key, packed = work.running[future], future.result()
            store.save(key, packed)
            result = unpack(packed)
            assert result is not None
            work.found[key] = result
            bar.update()
    results = {part: [work.found[key] for key in keys] for part, keys in work.keys.items()}
    events = {part: total_events(own) for part, own in results.items()}
    metrics = work.task.metrics({part: _joined(work.networks[part], own) for part, own in results.items()})
    samples = {part: own.samples for part, own in events.items()}
    return Row(work.setting, samples, metrics, _energy_pj(work, events))


def _joined(network: Network, results: list[Result]) -> dict[str, Array]:
    epilogue = network.deployment.epilogue
    types = {name: epilogue.nodes[value].type for name, value in epilogue.outputs.items()}
    return join_samples([result.outputs for result in results], types)


def _energy_pj(work: Work, events: Mapping[str, Events]) -> Fraction | None:
    """Of one sample of every part; None where the profile has no price for something that happened."""
    try:
        return sum((_part_pj(work, part, own) for part, own in events.items()), Fraction(0))
    except CompileError:
        return None


def _part_pj(work: Work, part: str, events: Events) -> Fraction:
    chip = work.networks[part].deployment.chip
    return sum(node_counts(chip, events).values(), Counts()).energy_pj(work.profile)
