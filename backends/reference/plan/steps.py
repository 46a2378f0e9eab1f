"""The steps of a plan: a population each, what adds up in it, which events it counts, and what is forgotten after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from backends.reference.plan.loop_blocks import LoopBlock
from ir.analysis.fan_in import EMITTERS, walk
from ir.analysis.weight_groups import WeightGroup, single_groups, weight_groups
from ir.analysis.wiring import wiring_of
from ir.graph import Graph, Node
from ir.ops.linear import Sum


@dataclass(frozen=True)
class Step:
    """One population."""

    node: Node
    terms: tuple[WeightGroup, ...]
    """The currents that add up."""
    enables: tuple[WeightGroup, ...]
    """Of a gate, the enabling currents."""
    arrivals: tuple[str, ...]
    """Projections that feed this population and none before it, and whose events must be counted one by one."""
    forget: tuple[str, ...] = ()
    """Values that nothing needs afterwards."""
    arrives_again: bool = False
    """Whether the same currents add up in the next population, as in the levels of integer spikes."""


def steps_of(
    graph: Graph,
    order: Sequence[str],
    uncounted: Collection[str],
    contracted: Mapping[str, tuple[str, str]],
    loops: Mapping[str, LoopBlock],
    products: Mapping[str, str],
) -> tuple[Step, ...]:
    """
    The populations in the order of all values.

    Args:
        uncounted: projections whose events need not be counted one by one. contracted: populations that are not materialised
            -> the values that they are computed from. loops: value on a loop -> its loop. products: projection -> the one whose
            product it shares.
    """
    wiring, place = wiring_of(graph), {name: index for index, name in enumerate(order)}
    grouped = weight_groups if graph.is_integer else single_groups  # merged products would round anew
    steps, last_read = list[Step](), dict[str, int]()
    for name in sorted(wiring.feeds, key=place.__getitem__):
        node, projections = graph.nodes[name], wiring.projections(name)
        terms = grouped(graph, node.op.payload_operands(node.inputs))
        enables = grouped(graph, node.op.enabling_operands(node.inputs))
        last_read.update({products[p]: len(steps) for p in projections if p in products})
        first_read = (
            p for p in projections if wiring.targets[p][0] == name
        )  # it counts for all that a projection feeds
        steps.append(Step(node, terms, enables, tuple(p for p in first_read if p not in uncounted)))
    again = [a.terms == b.terms for a, b in pairwise(steps)]
    steps = [replace(step, arrives_again=same) for step, same in zip(steps, [*again, False], strict=True)]
    return _with_lifetimes(graph, steps, contracted, loops, last_read)


def _with_lifetimes(
    graph: Graph,
    steps: Sequence[Step],
    contracted: Mapping[str, tuple[str, str]],
    loops: Mapping[str, LoopBlock],
    products: Mapping[str, int],
) -> tuple[Step, ...]:
    """The steps, each with the values, of currents the shared products, that no later step and no output touches."""
    last: dict[str, int] = {}
    for place, step in enumerate(steps):
        last.update(dict.fromkeys(_needed(graph, _touched(step, contracted, loops), contracted), place))
    for name in _needed(graph, graph.outputs.values(), contracted):
        last.pop(name, None)
    forget: dict[int, list[str]] = {}
    for name, place in last.items():
        if graph.nodes[name].type.domain.kind != "current" or isinstance(graph.nodes[name].op, Sum):
            forget.setdefault(place, []).append(name)
    for name, place in products.items():
        forget.setdefault(place, []).append(name)
    return tuple(replace(step, forget=tuple(forget.get(place, ()))) for place, step in enumerate(steps))


def _touched(step: Step, contracted: Mapping[str, tuple[str, str]], loops: Mapping[str, LoopBlock]) -> dict[str, None]:
    """The values that a step reads or computes."""
    name = step.node.name
    names = [name, *contracted.get(name, step.node.inputs)]
    names += [projection for term in (*step.terms, *step.enables) for projection in term.projections]
    if name in loops:
        names += [*loops[name].names, *loops[name].outside]
    return dict.fromkeys(names)


def _needed(graph: Graph, roots: Iterable[str], contracted: Mapping[str, tuple[str, str]]) -> list[str]:
    """The values that must exist to compute `roots`: back to materialised populations and inputs."""

    def behind(name: str) -> Sequence[str]:
        if name in contracted:
            return contracted[name]
        node = graph.nodes[name]
        return () if node.op.family in EMITTERS else node.reads

    return walk(tuple(roots), behind)
