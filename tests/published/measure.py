"""What docs/published-sizes.md says of one network: what it has, how long it takes, and what integers do to it."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import nn

from compile.benchmark.network import zero_state_forward
from compile.benchmark.turns import Stopwatch, one_thread, take_turns
from compile.command.progress import Progress
from compile.measure.borders import borders
from compile.measure.run import run_part
from compile.measure.spike_match import total
from compile.stages.batches import batches_of
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.source import Source
from ir.errors import CompileError
from tests.published.counting import count
from tests.published.table5 import stages

ROUNDS = 3
NETWORKS: Mapping[str, tuple[str, str, str | None]] = {
    "SpikeCLIP image": ("models/spikeclip.py", "published", "image"),
    "SpikeCLIP image, spikes pooled": ("models/spikeclip.py", "published-spike", "image"),
    "SpikeCLIP text": ("models/spikeclip.py", "published", "text"),
    "SNNergy 96": ("models/snnergy.py", "published-96", None),
    "SNNergy 96, spikes pooled": ("models/snnergy.py", "published-96-spike-pool", None),
    "SNNergy 192": ("models/snnergy.py", "published-192", None),
    "SNNergy 192, spikes pooled": ("models/snnergy.py", "published-192-spike-pool", None),
    "TAAF": ("models/taaf.py", "published", None),
    "TAAF, 64 pixels": ("models/taaf.py", "published-64", None),
}
"""Name -> model file, configuration, part."""


@dataclass
class Row:
    """One network, one sample."""

    name: str
    command: str
    parameters: int = 0
    steps: int = 0
    phases: int = 0
    counted: dict[str, int] = field(default_factory=dict[str, int])
    """As `tests.published.counting` counts, in the order of products that cost chooses."""
    stages: list[list[int]] = field(default_factory=list[list[int]])
    """Of SNNergy: tokens, width, and synapses of projections and of what is between them, per stage and direction."""
    refused: str = ""
    """Rule, where and why; "" where it runs."""
    compile_seconds: float = 0.0
    run_seconds: float = 0.0
    """Of the whole program, events counted."""
    forward: float = 0.0
    """SpikingJelly's own forward over that time."""
    memory: float = 0.0
    """GiB at most of the process that compiled it and ran it twice."""
    events: int = 0
    """Synaptic events per sample."""
    read: int = 0
    """Events that the host reads at borders between phases."""
    verdict: str = ""
    kept: int = 0
    lost: int = 0
    silent: list[str] = field(default_factory=list[str])
    """Layers that fire in floats and not in integers."""


def measured(name: str) -> Row:
    """Count one network, compile it, run and compare it; what is refused is only counted."""
    file, config, part = NETWORKS[name]
    flags = f" --part {part}" if part else ""
    row = Row(name, f"python -m compile {file} --config {config}{flags} --target gpu --samples 1")
    options = Options(target="gpu", config=config, part=part, samples=1)
    source = load_source(Path(file), options)
    network = source.parts[0].network
    row.parameters = sum(parameter.numel() for parameter in network.parameters())
    with source.running():
        _count(row, network, source)
        start = time.perf_counter()
        try:
            build = build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True))
        except CompileError as error:
            row.refused = f"`{error.rule}` {error.where}: {error.what}"
            return row
        row.compile_seconds = time.perf_counter() - start
        _time(row, build, network)
        _compare(row, build)
    return row


def _count(row: Row, network: nn.Module, source: Source) -> None:
    example = source.parts[0].example
    static = tuple(name for name in example if name in source.static)
    counts = count(network, example, static, source.steps)
    row.counted, row.phases, row.steps = dict(counts.total), counts.phases, source.steps
    row.stages = [list(asdict(stage).values()) for stage in stages(counts)] if "SNNergy" in row.name else []


def _time(row: Row, build: Build, network: nn.Module) -> None:
    """Program and module in turns, one thread."""
    inputs = build.part.example
    with one_thread():
        turns = {
            "program": Stopwatch(lambda: build.program.run(inputs, ())),
            "forward": Stopwatch(zero_state_forward(network, inputs, torch.device("cpu"))),
        }
        times = take_turns(turns, ROUNDS)
    row.run_seconds, row.forward = times.median("program"), times.ratio("forward", "program")
    row.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def _compare(row: Row, build: Build) -> None:
    run = run_part(build, batches_of(build.program, build.part.example), Progress(quiet=True))
    match = total(run.matches.values())
    row.events, row.verdict = int(sum(run.events.synaptic.values())), run.verdict.text()
    row.read = sum(round(border.read.events) for border in borders(build.program, run.events))
    row.kept, row.lost = match.kept, match.lost
    row.silent = [name for name, each in run.matches.items() if each.kept + each.lost and not each.kept + each.added]
