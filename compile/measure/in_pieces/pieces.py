"""
A chip graph in pieces that run alone: what the populations outside emit is an input.

    %a = ...                             piece of %b:   %a = input() : spike[8]
    %b = integer_lif(linear(%a))                        %b = integer_lif(linear(%a))

What a population emits in a window depends on nothing but what it reads. So where every piece, fed with recorded emissions, emits
what was recorded of its own populations, the whole network emits what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from ir.analysis.components import components
from ir.analysis.fan_in import fan_in_cone, populations
from ir.graph import Graph, Node, free_name
from ir.ops import Input


@dataclass(frozen=True)
class GraphPiece:
    """Some populations of a chip graph, and the outputs whose last population is one of them."""

    graph: Graph
    compared: tuple[str, ...]
    """Populations whose emissions are compared: those asked for, and all that others read, or nobody."""


def pieces_that_fit(chip: Graph, probes: Collection[str], fits: Callable[[GraphPiece], bool]) -> tuple[GraphPiece, ...]:
    """Consecutive populations in pieces that fit, each as large as it can be; what does not fit alone is in none."""
    pieces, names, last = list[GraphPiece](), tuple[str, ...](), None
    for unit in _units(chip):
        piece = piece_of(chip, (*names, *unit), probes)
        if last is not None and not fits(piece):
            pieces.append(last)
            names, last, piece = (), None, piece_of(chip, unit, probes)
        if fits(piece):
            names, last = (*names, *unit), piece
    return tuple(pieces) if last is None else (*pieces, last)


def piece_of(chip: Graph, names: Collection[str], probes: Collection[str]) -> GraphPiece:
    """Populations with their wiring as a graph of their own; those that others read, or nobody, are outputs, too."""
    outputs = {output: value for output, value in chip.outputs.items() if _last(chip, value) in names}
    outside = _read(chip, chip.nodes.keys() - set(names), chip.outputs.keys() - outputs)
    inside = _read(chip, names, ())
    handed_on = [name for name in names if name in outside or name not in inside] or [*names]
    outputs |= {free_name(name, outputs): name for name in handed_on if name not in outputs.values()}
    compared = tuple(name for name in names if name in probes or name in handed_on)
    return GraphPiece(_alone(chip, names, outputs), compared)


def _read(chip: Graph, names: Collection[str], outputs: Collection[str]) -> set[str]:
    """The populations and inputs that some populations, and outputs, read."""
    roots = [value for name in names if chip.nodes[name].op.family == "neuron" for value in chip.nodes[name].inputs]
    roots += [chip.outputs[output] for output in outputs]
    return set(fan_in_cone(chip, roots, back_edges=True).sources)


def _alone(chip: Graph, names: Collection[str], outputs: Mapping[str, str]) -> Graph:
    roots = [*(value for name in names for value in chip.nodes[name].inputs), *outputs.values()]
    cone = fan_in_cone(chip, roots, back_edges=True)
    inside = {*names, *(node.name for node in cone.nodes)}
    fed = {name for name in cone.sources if name not in inside}
    fed = fed or {node.name for node in chip.inputs[:1]}  # says how many steps and samples there are
    nodes = {name: node if name in inside else _fed(node) for name, node in chip.nodes.items() if name in inside | fed}
    keys = {key for node in nodes.values() for _, key in node.params}
    return Graph(chip.name, chip.steps, nodes, outputs, {key: chip.params[key] for key in keys}, chip.dtype)


def _fed(node: Node) -> Node:
    """An input in a node's place."""
    return replace(node, op=Input(str(node.type)), inputs=(), params=())


def _last(chip: Graph, value: str) -> str | None:
    """The last population that a value comes from; None where it comes from inputs alone."""
    sources = fan_in_cone(chip, (value,), back_edges=True).sources
    return next((name for name in reversed(sources) if chip.nodes[name].op.family == "neuron"), None)


def _units(chip: Graph) -> list[tuple[str, ...]]:
    """
    What is never divided, in graph order: a loop; in integers, gates and payloads with what follows, which has integers to show.

    (A graph is one of integers by its weights and neurons, and neither gates nor relays have any.)
    """
    units: list[tuple[str, ...]] = []
    rest: tuple[str, ...] = ()
    for loop in _loops(chip):
        rest = (*rest, *loop)
        if not chip.is_integer or _alone(chip, rest, {}).is_integer:
            units.append(rest)
            rest = ()
    return [*units[:-1], (*units[-1], *rest)] if units else []


def _loops(chip: Graph) -> list[tuple[str, ...]]:
    """The populations in graph order, those of a loop together, at the place of the first."""
    names = [node.name for node in populations(chip)]
    readers: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        for source in _read(chip, (name,), ()) & readers.keys():
            readers[source].append(name)
    return sorted(components(readers), key=lambda loop: names.index(loop[0]))
