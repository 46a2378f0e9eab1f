"""
All phases of a network seen as one deployment: for counting, pricing and reports, not for running.

The chip graphs stand side by side, in the longest of their windows; what a phase gets from the host is an input, as it is where
that phase runs. Names are kept.
Where a value is made in one phase and handed over to a later one, the later one's input gets the next free name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ir.analysis.schedule import Schedule
from ir.analysis.windows import in_window
from ir.deployment import Deployment
from ir.graph import Graph, GraphBuilder, Node, free_name
from ir.ops import Past
from ir.quantize.report import QuantizationReport

T = TypeVar("T")
Names = Mapping[str, str]
"""A phase's own name of a chip value -> its name among all phases."""


def names_among_all(phases: Sequence[Deployment]) -> tuple[Names, ...]:
    """Per phase, what its chip's values are called among those of all phases."""
    taken, names = set[str](), list[dict[str, str]]()
    for phase in phases:
        names.append({name: free_name(name, taken) for name in phase.chip.nodes})
        taken.update(names[-1].values())
    return tuple(names)


def join_phases(phases: Sequence[Deployment]) -> Deployment:
    """The phases as one deployment: the first one's prologue, all chip graphs, the last one's epilogue; a single one as it is."""
    if len(phases) == 1:
        return phases[0]
    names, steps = names_among_all(phases), max(phase.chip.steps for phase in phases)
    chip = _side_by_side([in_window(phase.chip, steps) for phase in phases], names)
    floats = [None if phase.floating is None else in_window(phase.floating, steps) for phase in phases]
    return Deployment(
        in_window(phases[0].prologue, steps),
        chip,
        in_window(phases[-1].epilogue, steps),
        scales=_renamed([phase.scales for phase in phases], names),
        membranes=_renamed([phase.membranes for phase in phases], names),
        floating=None if None in floats else _side_by_side([graph for graph in floats if graph is not None], names),
        statistics=_renamed([phase.statistics for phase in phases], names),
        quantization=_quantization(phases, names),
        schedule=_schedule(phases, names),
    )


def _renamed(tables: Sequence[Mapping[str, T]], names: Sequence[Names]) -> dict[str, T]:
    return {own.get(key, key): value for table, own in zip(tables, names, strict=True) for key, value in table.items()}


def _side_by_side(graphs: Sequence[Graph], names: Sequence[Names]) -> Graph:
    """One graph of all nodes, without edges between the parts."""
    last = graphs[-1]
    builder = GraphBuilder(last.name.rpartition(".phase")[0] + ".chip", last.steps, dtype=last.dtype)
    outputs = dict[str, str]()
    for graph, own in zip(graphs, names, strict=True):
        called = dict(own)
        for node in graph.nodes.values():
            called[node.name] = _add(builder, graph, node, called)
        outputs.update({called.get(name, name): called[value] for name, value in graph.outputs.items()})
    return builder.build(outputs)


def _add(builder: GraphBuilder, graph: Graph, node: Node, called: Names) -> str:
    params = {role: builder.param(key, graph.params[key]) for role, key in node.params}
    op = replace(node.op, of=called.get(node.op.of, node.op.of)) if isinstance(node.op, Past) else node.op
    reads, name = [called[each] for each in node.inputs], called.get(node.name, node.name)
    return builder.add(op, *reads, name=name, params=params, provenance=node.provenance)


def _quantization(phases: Sequence[Deployment], names: Sequence[Names]) -> QuantizationReport | None:
    reports = [phase.quantization for phase in phases if phase.quantization is not None]
    if len(reports) < len(phases):
        return None
    layers = [
        replace(layer, name=own.get(layer.name, layer.name))
        for report, own in zip(reports, names, strict=True)
        for layer in report.layers
    ]
    scales = _renamed([report.scales for report in reports], names)
    return QuantizationReport(tuple(layers), scales, _renamed([report.membranes for report in reports], names))


def _schedule(phases: Sequence[Deployment], names: Sequence[Names]) -> Schedule | None:
    """All depths and delays, each counted from the start of its own phase."""
    plans = [phase.schedule for phase in phases if phase.schedule is not None]
    if len(plans) < len(phases):
        return None

    def pairs(tables: Sequence[Mapping[tuple[str, str], int]]) -> dict[tuple[str, str], int]:
        both = zip(tables, names, strict=True)
        return {(own.get(a, a), own.get(b, b)): steps for table, own in both for (a, b), steps in table.items()}

    return Schedule(
        depth=_renamed([plan.depth for plan in plans], names),
        outputs=_renamed([plan.outputs for plan in plans], names),
        delays=pairs([plan.delays for plan in plans]),
        synaptic=pairs([plan.synaptic for plan in plans]),
        micro_steps=max(plan.micro_steps for plan in plans),
        loop_steps=max(plan.loop_steps for plan in plans),
    )
