"""What a map costs on the way: spikes between cores, each sent once to every core that reads it, and their hops on the mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.board import Board
from ir.mapping.connections import Connections
from ir.mapping.core_map import CoreMap
from ir.mapping.nets import OUTSIDE, Nets, nets_of


@dataclass(frozen=True)
class Traffic:
    """Per step, at the rates that it was computed with."""

    visits: float
    """Spikes times the other cores that each is sent to; from outside, times all the cores."""
    hops: float
    """The routers that these spikes pass, by the metric of the board; from outside they pass none that we know."""


def traffic(connections: Connections, cores: CoreMap, rates: Mapping[str, Array], board: Board) -> Traffic:
    """The traffic of a map, neuron by neuron."""
    nets = nets_of(connections, cores.core_of, rates)
    return Traffic(visits(nets), float((core_flow(nets, cores.cores) * board.distances(cores.places)).sum()))


def visits(nets: Nets) -> float:
    """Spikes per step times the other parts that each reaches."""
    away = nets.readers.members != nets.source[nets.readers.sets]
    return float(nets.spikes[nets.readers.sets][away].sum())


def core_flow(nets: Nets, cores: int) -> Array:
    """float64 (cores, cores): spikes per step from a core to another one; those that stay are none."""
    source = nets.source[nets.readers.sets]
    away = (source != nets.readers.members) & (source != OUTSIDE)
    pairs = source[away] * cores + nets.readers.members[away]
    return np.bincount(pairs, nets.spikes[nets.readers.sets][away], cores * cores).reshape(cores, cores)


def on_blocks(nets: Nets, block: Array) -> Nets:
    """The nets between blocks of parts, of the nets between the parts."""
    inside = nets.source != OUTSIDE
    source = np.where(inside, block[nets.source], OUTSIDE)
    return Nets(source, nets.neurons, nets.spikes, nets.readers.renamed(block))
