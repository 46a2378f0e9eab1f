"""The mapped emission: one process of our own model per core of a map, each with the neurons and weights of its core alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from backends.lava.core.core import Core, core_groups
from backends.lava.core.recording import Recording
from backends.lava.emit.blueprint import Blueprint, emission_of
from backends.lava.emit.fused import connect
from backends.lava.timing import Timing
from ir.analysis.fan_in import fan_in_cone
from ir.errors import CompileError
from ir.graph import Array, Graph
from ir.mapping.cut_graph import CutGraph

MOST_CORES = 256
"""Processes of one run: they keep in step with each other, which takes milliseconds for each of them."""
FUSED = "the fused emission, which computes the same"


def emit_mapped(cut: CutGraph, timing: Timing, recordings: Mapping[str, Recording]) -> Blueprint:
    """
    The network as the cores of its map; what several populations' outputs are put together from is a process beside them.

    Args:
        timing: of the cut graph. recordings: of the whole populations and outputs; each core records its share of them.
    """
    graph = cut.graph
    core_of = {share.name: share.core for shares in cut.shares.values() for share in shares}
    own = {
        share.name: replace(recordings[name], elements=share.elements)
        for name, shares in cut.shares.items()
        for share in shares
        if name in recordings
    }
    emits: dict[int, list[str]] = {}
    for group in core_groups(graph, timing):
        emits.setdefault(core_of.get(group[0], 0), []).extend(group)
    cores = {f"core{core}": Core(graph, timing, names, own) for core, names in sorted(emits.items())}
    readouts = [emission_of(graph, output) for output in graph.outputs]
    outside = [name for name in readouts if name not in graph.nodes]
    if outside:
        cores["readout"] = Core(graph, timing, outside, {})
    return connect(graph, timing, cores)


def check_map(graph: Graph, timing: Timing, core_of: Mapping[str, Array]) -> None:
    """CompileError for more cores than processes make sense, and loops over several cores: they are run within a step."""
    count = 1 + max((int(on.max()) for on in core_of.values()), default=0)
    if count > MOST_CORES:
        what = f"the map has {count} cores, each of which would be a process; {MOST_CORES} are the most"
        raise CompileError("lava.mapped", what, where=graph.name, hint=FUSED)
    for group in core_groups(graph, timing) if graph.loops else ():
        cores = {int(core) for name in group if name in core_of for core in np.unique(core_of[name])}
        recurrent = group[0] in fan_in_cone(graph, graph.nodes[group[0]].inputs, back_edges=True).sources
        if recurrent and len(cores) > 1:
            where = str(graph.nodes[group[0]].provenance)
            what = f"the loop of %{', %'.join(group)} goes over {len(cores)} cores of the map"
            raise CompileError("lava.mapped", what, where=where, hint=f"a profile with larger cores, or {FUSED}")
