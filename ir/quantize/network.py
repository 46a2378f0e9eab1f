"""
The pass from real numbers to the chip's integers: weights, thresholds, decays, biases, payloads.

    %c = linear(%x, weight=@w:float32[2x2]#...)              %c = linear(%x, weight=@w.int8:int8[2x2]#...)
    %s = lif(%c) {decay=0.5}                                 %s = integer_lif(%c) {du=4095, dv=2048, vth=250, ...}

From here on the network *is* the integer network: the interpreter, the torch reference and Lava compute the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ir.analysis.wiring import behind_routing, wiring_of
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.base import Input, Value
from ir.ops.delay import Delay, Past
from ir.ops.linear import Sum, Synapse
from ir.ops.membrane import Membrane
from ir.quantize.calibration import ValueStatistics, observe
from ir.quantize.features import check_features
from ir.quantize.gains import separate_gains
from ir.quantize.population import Planner
from ir.quantize.report import LayerReport, QuantizationReport
from ir.rewrite import Rewriter
from ir.target import Arithmetic, Features
from ir.types import Type, graded

PASS = "quantize"
__all__ = ["LayerReport", "QuantizationReport", "quantizable", "quantize", "quantize_seen"]


def quantize(
    chip: Graph, arithmetic: Arithmetic, calibration: Mapping[str, Value], features: Features | None = None
) -> tuple[Graph, QuantizationReport]:
    """
    The integer network of a chip graph at level synaptic.

    Args:
        arithmetic: widths of the chip's integers.
        calibration: chip input -> array (T or 1, B, *shape) of real values, typical of what the network will see.
        features: what the chip's neurons can do; everything that the arithmetic allows where it is not given.

    Returns:
        The graph at level quantized. Graded inputs take integers; their type's scale is the real value of one, their bits
        the range in which nothing wraps on values up to twice the calibration's.

    Raises:
        CompileError: a neuron that the chip's cannot express, or payloads of different scales joined.
    """
    chip = quantizable(chip, arithmetic, features)
    return quantize_seen(chip, arithmetic, observe(chip, calibration))


def quantizable(chip: Graph, arithmetic: Arithmetic, features: Features | None = None) -> Graph:
    """The chip graph in the form that `quantize` calibrates and rounds; CompileError for a neuron that the chip lacks."""
    check_features(chip, arithmetic, features)
    return separate_gains(chip)


def quantize_seen(
    chip: Graph, arithmetic: Arithmetic, seen: Mapping[str, ValueStatistics]
) -> tuple[Graph, QuantizationReport]:
    """The integers of a `quantizable` graph, from what calibration has seen; otherwise see `quantize`."""
    planner = Planner(chip, wiring_of(chip), seen, arithmetic)
    planner.run()
    for output, value in chip.outputs.items():
        if len({planner.scale[source] for source in behind_routing(chip, value)}) > 1:
            what = f"output {output} joins payloads of different scales"
            raise CompileError(
                "quantize.concat", what, where=str(chip.nodes[value].provenance), hint="make them outputs of their own"
            )
    graph = Rewriter(chip, PASS).run(lambda rewriter, node: _rewrite(rewriter, node, planner))
    scales = {name: planner.scale[name] for name in planner.scale}
    return graph, QuantizationReport(tuple(planner.layers), scales)


def _rewrite(rewriter: Rewriter, node: Node, planner: Planner) -> str | None:
    """The integer form of one node, or None for what carries no number."""
    op, params = node.op, dict[str, Array]()
    if node.name in planner.input_bits:
        scale, bits = planner.scale[node.name], planner.input_bits[node.name]
        op = Input(str(replace(node.type, scale=scale, domain=graded(bits))))
    elif node.name in planner.rounded:
        integers = planner.rounded[node.name].integers
        if isinstance(op, (Synapse, Sum)):
            op = replace(op, weight=int(integers))
        else:
            params = {"weight": integers}
    elif node.name in planner.ops:
        op = planner.ops[node.name]
        params = planner.params.get(node.name, {})
    elif isinstance(node.op, Past):
        op = replace(node.op, type=str(_emitted_type(planner, node)))
    else:
        return None
    names = {role: _store(rewriter, node, role, array) for role, array in params.items()}
    provenance, operands = node.provenance.after(PASS), rewriter.inputs(node)
    if isinstance(node.op, Membrane) and node.op.order == "membrane_first":
        operands = tuple(_late(rewriter, node, operand) for operand in operands)
    return rewriter.builder.add(op, *operands, name=node.name, params=names, provenance=provenance)


def _emitted_type(planner: Planner, node: Node) -> Type:
    """The type of a back edge's value in the integer graph: payloads have other bits there."""
    sources = behind_routing(planner.chip, node.name)
    if node.type.domain.kind != "graded" or not sources:
        return node.type
    source = planner.chip.nodes[sources[0]]
    if source.name in planner.input_bits:
        return replace(node.type, domain=graded(planner.input_bits[source.name]), scale=planner.scale[source.name])
    return replace(node.type, domain=planner.ops[source.name].infer(planner.chip.args(source), {}).domain)


def _late(rewriter: Rewriter, node: Node, operand: str) -> str:
    """The current one step later: the chip's membrane takes the current of its own step, this one that of the step before."""
    return rewriter.builder.add(Delay(1), operand, name=f"{node.name}_late", provenance=node.provenance.after(PASS))


def _store(rewriter: Rewriter, node: Node, role: str, array: Array) -> str:
    base = node.param(role) or f"{node.name}.{role}"
    return rewriter.builder.param(f"{base}.{array.dtype}", array)
