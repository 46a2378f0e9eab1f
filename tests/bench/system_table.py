"""The compiler's own networks on cores: a layer per core and halved where it violates, the plain map, and one for each objective."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backends.event_driven.message_loop import compiled
from compile import compile_model
from compile.benchmark.table import Cell, Table
from compile.stages.wanted_map import activity_of
from ir.graph import Array, Graph, Node
from ir.mapping.board import Board
from ir.mapping.connections import Connections
from ir.mapping.core_map import CoreMap
from ir.mapping.fit import Fit, fit
from ir.mapping.layout.map_for import OBJECTIVES, compared_by, map_for
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.nets import nets_of
from ir.mapping.split import places, plain_map
from ir.mapping.timing.mean_step import Moment, mean_step
from ir.mapping.timing.message_queues import Loop
from ir.mapping.timing.traffic import traffic
from ir.profile import Profile

COLUMNS = (
    "network",
    "map",
    "cores",
    "chips",
    "least cores",
    "binding",
    "used",
    "visits",
    "hops",
    "us",
    "us / halved",
    "s",
)
NOTE = (
    "Profile loihi2, spikes of calibration samples; per step of the chip. Halved: a layer per core, and halved until it fits, cores row "
    "by row. Least cores: all neurons, bytes of synapses, axons, each once. Used: of the resource that is used most, on average. us: a "
    "step by the profile's times (estimates), of steps of the samples with messages that wait, of large networks of mean activity. s: processor time of the map alone. One row alone: `python -m compile "
    "models/NETWORK.py --config CONFIG --part PART --target gpu --map-for MAP`."
)
RESOURCES = ("neurons", "synapse_memory", "axons_in")


@dataclass(frozen=True)
class System:
    """A part of a model file."""

    model: str
    config: str
    part: str | None = None

    @property
    def name(self) -> str:
        """As the table says it."""
        return " ".join(word for word in (self.model, self.config, self.part) if word)


SYSTEMS = (
    System("cmsf", "digits", "image"),
    System("snnergy", "av-digits"),
    System("taaf", "av-digits"),
    System("spikeclip", "emoji-styles", "image"),
    System("cmsf", "paper", "image"),
    System("cmsf", "paper", "text"),
)
QUICK = 3


def table(quick: bool) -> Table:
    """All systems; those that take seconds if quick."""
    rows = [row for system in SYSTEMS[: QUICK if quick else None] for row in rows_of(system)]
    return Table("Systems on cores", COLUMNS, tuple(rows), NOTE)


def rows_of(system: System) -> Iterator[tuple[Cell, ...]]:
    """A row for each map."""
    path = f"models/{system.model}.py"
    program = compile_model(path, "gpu", config=system.config, part=system.part, fit="warn")
    assert program.origin is not None
    plain = program.origin.build.fit
    assert plain is not None
    graph, profile = program.deployment.chip, program.profile
    activity = activity_of(program, program.origin.build.part, "time")
    connections = LoadCounter(graph, profile).connections
    start = time.process_time()
    halved = fit(graph, profile, halved_map(graph, profile))
    seconds = time.process_time() - start
    timed = compared_by(connections, plain.cores, profile.mesh, activity.rates, activity.moments, compiled)
    step = mean_step(connections, halved.cores, profile, *timed)
    yield _row(system, "halved", halved, connections, profile, activity.rates, timed, step, seconds)
    start = time.process_time()
    plain_map(graph, profile)
    yield _row(system, "plain", plain, connections, profile, activity.rates, timed, step, time.process_time() - start)
    for objective in OBJECTIVES:
        start = time.process_time()
        found = map_for(graph, plain, profile, objective, activity.rates, activity.moments, compiled)
        yield _row(
            system, objective, found.fit, connections, profile, activity.rates, timed, step, time.process_time() - start
        )


def halved_map(graph: Graph, profile: Profile) -> CoreMap:
    """A layer per core; a layer that exceeds a limit that its neurons keep alone is halved, in order, until it does not."""
    counter, limits = LoadCounter(graph, profile), core_limits(profile)
    core_of, cores = dict[str, Array](), 0
    for node in graph.nodes.values():
        if node.op.family == "neuron":
            neurons = node.op.neurons(node.type)
            parts = _parts(counter, node, neurons, limits)
            core_of[node.name] = (cores + np.arange(neurons) * parts // neurons).astype(np.int32)
            cores += parts
    return CoreMap(core_of, places(cores, profile))


def _parts(counter: LoadCounter, node: Node, neurons: int, limits: Mapping[str, int]) -> int:
    alone, parts = counter.alone(node.name), 1
    kept = {name: most for name, most in limits.items() if alone.get(name, 0) <= most}
    while parts < neurons:
        size = -(-neurons // parts)
        first = neurons // size // 2 * size
        used = counter.block(node.name, np.arange(first, min(first + size, neurons)))
        if all(used[name] <= most for name, most in kept.items() if name in used):
            return parts
        parts = min(2 * parts, neurons)
    return parts


def _row(
    system: System,
    name: str,
    found: Fit,
    connections: Connections,
    profile: Profile,
    rates: Mapping[str, Array],
    timed: tuple[Sequence[Moment], Loop | None],
    halved: float | None,
    seconds: float,
) -> tuple[Cell, ...]:
    cores, limits = found.cores, core_limits(profile)
    assert found.loads is not None
    assert found.whole is not None
    least = " / ".join(f"{-(-int(getattr(found.whole, each)[0]) // limits[each]):,}" for each in RESOURCES)
    shares = {each: float(getattr(found.loads, each).mean()) / limit for each, limit in limits.items()}
    binding = max(shares, key=lambda each: shares[each])
    sent = traffic(
        nets_of(connections, cores.core_of, rates),
        cores.places,
        replace(Board.of(profile, cores.cores), hop_x=1, hop_y=1),
    )
    step = mean_step(connections, cores, profile, *timed)
    assert step is not None
    assert halved is not None
    size = (cores.cores, cores.chips, least, binding.replace("_", " "), f"{100 * shares[binding]:.0f} %")
    return (system.name, name, *size, sent.visits, sent.hops, step / 1000, step / halved, seconds)
