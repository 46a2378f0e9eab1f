"""Graphs as boxes and arrows: a source graph by its operations, a deployed one by its populations and their synapses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ir.analysis.resources import is_added
from ir.analysis.schedule import schedule
from ir.analysis.wiring import behind_routing
from ir.deployment import Deployment
from ir.graph import Graph, Node
from ir.ops import Burst, Gate, Graded, Lif, Sum, Synapse
from tests.pictures.drawing import Arrow, Box

Picture = tuple[dict[str, Box], list[Arrow]]


def source_picture(graph: Graph) -> Picture:
    """A box per operation of the model."""
    boxes, arrows = dict[str, Box](), list[Arrow]()
    for node in graph.nodes.values():
        boxes[node.name] = _operation(node, "model" if node.op.family == "neuron" else "operation")
        arrows += [Arrow(operand, node.name) for operand in dict.fromkeys(node.reads)]
    return boxes, arrows


def deployed_picture(phases: Sequence[Deployment]) -> Picture:
    """Host operations and populations of all phases, one behind the other; arrows into populations are synapses."""
    boxes, arrows, made = dict[str, Box](), list[Arrow](), dict[str, str]()
    for deployment in phases:
        for graph, on_host in ((deployment.prologue, True), (deployment.chip, False), (deployment.epilogue, True)):
            for node in graph.nodes.values():
                if node.op.family == "input":
                    made.setdefault(node.name, node.name)
                    if made[node.name] == node.name:
                        boxes.setdefault(node.name, _operation(node, "input"))
                elif on_host:
                    boxes[node.name] = _operation(node, "host")
                    arrows += [Arrow(made.get(name, name), node.name) for name in node.reads]
                elif node.op.family == "neuron":
                    boxes[node.name] = _population(node)
                    arrows += _synapses(graph, node, made)
            made |= graph.outputs
    return boxes, arrows


def _operation(node: Node, kind: str) -> Box:
    if node.op.family == "input":
        return Box("input", (node.name, str(node.type)))
    said = _rule(node) if node.op.family == "neuron" else node.op.kind.replace("_", " ")
    return Box(kind, (node.name, said, str(node.type)))


def _population(node: Node) -> Box:
    return Box("added" if is_added(node) else "model", (node.name, _rule(node), str(node.type)))


def _rule(node: Node) -> str:
    """What a neuron does with the current x that arrives."""
    op, x = node.op, "x + bias" if node.param("bias") else "x"
    if isinstance(op, Lif):
        level = f"{op.comparator} {op.threshold:g}"
        return f"fires if {x} {level}" if op.decay == 1 else f"LIF of {x}, v {level}"
    if isinstance(op, Graded):
        return f"sends max({x}, 0)" if op.form == "rectified" else f"sends {x}"
    if isinstance(op, Gate):
        return f"sends {x} if opened"
    assert isinstance(op, Burst), f"no words for {op}"
    return "fires x times"


def _synapses(graph: Graph, neuron: Node, made: Mapping[str, str]) -> Iterator[Arrow]:
    """One arrow per population that a neuron reads, with the weights that its synapses have, and how late they are."""
    labels: dict[str, list[str]] = {}
    late = schedule(graph).synaptic
    for number, operand in enumerate(neuron.inputs):
        opens = isinstance(neuron.op, Gate) and number >= len(neuron.inputs) - neuron.op.enables
        for projection in (graph.nodes[name] for name in behind_routing(graph, operand)):
            for source in behind_routing(graph, projection.inputs[0]):
                label, waits = "opens" if opens else _weight(graph, projection), late[source, projection.name]
                labels.setdefault(source, []).append(f"{label}, {waits} late" if waits else label)
    return (Arrow(made.get(name, name), neuron.name, "; ".join(dict.fromkeys(each))) for name, each in labels.items())


def _weight(graph: Graph, projection: Node) -> str:
    """The weight of synapses that share one, or the name of the model's matrix."""
    if isinstance(projection.op, Synapse | Sum):
        return f"{projection.op.weight:g}"
    name = projection.param("weight") or ""
    return f"{graph.params[name].flat[0]:g}" if is_added(projection) else name.replace(".folded", "'")
