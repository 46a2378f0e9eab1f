"""
The pass from real numbers to the chip's integers: weights, thresholds, decays, biases, payloads.

    %c = linear(%x, weight=@w:float32[2x2]#...)              %c = linear(%x, weight=@w.int8:int8[2x2]#...)
    %s = lif(%c) {decay=0.5}                                 %s = integer_lif(%c) {du=4095, dv=2048, vth=250, ...}

From here on the network *is* the integer network: the interpreter, the torch reference and Lava compute the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ir.analysis.wiring import behind_routing
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.lowerings.rewriter import Rewriter
from ir.ops.base import Input, Value
from ir.ops.linear import Sum, Synapse
from ir.ops.membrane import Membrane
from ir.ops.over_time.delay import Delay, Past
from ir.profile import Arithmetic, Features
from ir.quantize.calibrated import CalibratedNetwork, calibrated
from ir.quantize.calibration import ValueStatistics, observe
from ir.quantize.gains.row_gains import PASS, separate_gains
from ir.quantize.gains.trained_levels import separate_levels
from ir.quantize.neurons.features import check_features
from ir.quantize.neurons.normalize import as_neuron
from ir.quantize.plan import NetworkPlan, plan_input
from ir.quantize.population import PopulationPlanner
from ir.quantize.report import LayerReport, QuantizationReport
from ir.quantize.ties.constant_current import constant_current
from ir.types import Type, graded

__all__ = ["LayerReport", "QuantizationReport", "quantizable", "quantize", "quantize_calibrated"]


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
    return quantize_calibrated(chip, arithmetic, observe(chip, calibration), features)


def quantizable(chip: Graph, arithmetic: Arithmetic, features: Features | None = None, own_steps: bool = True) -> Graph:
    """
    The chip graph in the form that is calibrated and rounded.

    Args:
        own_steps: whether rows of weights that have no steps get some; else they keep to powers of two of one unit.

    Raises:
        CompileError: a neuron that the chip lacks.
    """
    check_features(chip, arithmetic, features)
    programmable = features is None or features.programmable_neurons
    return separate_levels(separate_gains(chip), arithmetic, programmable, own_steps)


def quantize_calibrated(
    chip: Graph,
    arithmetic: Arithmetic,
    statistics: Mapping[str, ValueStatistics],
    features: Features | None = None,
) -> tuple[Graph, QuantizationReport]:
    """The integers of a `quantizable` graph, from its calibration statistics; otherwise see `quantize`."""
    plan = plan_network(calibrated(chip, statistics, arithmetic, features))
    _check_outputs(chip, plan)
    graph = Rewriter(chip, PASS).run(lambda rewriter, node: _rewrite(rewriter, node, plan, arithmetic))
    layers = tuple(population.report for population in plan.populations.values())
    scales = {name: emission.scale for name, emission in plan.emissions.items()}
    membranes = {name: each.membrane for name, each in plan.populations.items() if each.membrane is not None}
    return graph, QuantizationReport(layers, scales, membranes)


def plan_network(network: CalibratedNetwork) -> NetworkPlan:
    """The integers of all inputs and populations, one after another in graph order."""
    looped = network.looped_emissions()
    plan = NetworkPlan({**network.spike_emissions(), **looped}, looped)
    for node in network.chip.nodes.values():
        if node.op.family == "input":
            plan = plan.with_input(node.name, plan_input(network, node))
        elif node.op.family == "neuron":
            plan = plan.with_population(node.name, PopulationPlanner(network, plan, node).plan())
    return plan


def _check_outputs(chip: Graph, plan: NetworkPlan) -> None:
    """What one output joins must have one scale."""
    for output, value in chip.outputs.items():
        if len({plan.emissions[source].scale for source in behind_routing(chip, value)}) > 1:
            what, where = f"output {output} joins payloads of different scales", str(chip.nodes[value].provenance)
            raise CompileError("quantize.concat", what, where=where, hint="make them outputs of their own")


def _rewrite(rewriter: Rewriter, node: Node, plan: NetworkPlan, arithmetic: Arithmetic) -> str | None:
    """The integer form of one node, or None for what carries no number."""
    op, params = node.op, dict[str, Array]()
    if node.name in plan.projections:
        integers = plan.projections[node.name].weights.integers
        if isinstance(op, (Synapse, Sum)):
            op = replace(op, weight=int(integers))
        else:
            params = {"weight": integers}
    elif node.name in plan.populations:
        op, params = plan.populations[node.name].op, plan.populations[node.name].params
    elif isinstance(op, Past):
        op = replace(op, type=str(_emitted_type(rewriter.graph, node, plan)))
    elif node.name in plan.inputs and plan.inputs[node.name].bits is not None:
        op = Input(str(_input_type(node, plan)))
    else:
        return None
    names = {role: _store(rewriter, node, role, array) for role, array in params.items()}
    provenance, operands = node.provenance.after(PASS), rewriter.inputs(node)
    neuron = as_neuron(node).op
    if isinstance(neuron, Membrane) and neuron.order == "membrane_first":
        operands = tuple(_late(rewriter, node, operand) for operand in operands)
    if node.name in plan.populations and np.any(plan.populations[node.name].constant):
        operands = (*operands, constant_current(rewriter, node, plan.populations[node.name].constant, arithmetic))
    return rewriter.builder.add(op, *operands, name=node.name, params=names, provenance=provenance)


def _emitted_type(chip: Graph, past: Node, plan: NetworkPlan) -> Type:
    """The type of a back edge's value in the integer graph: payloads have other bits there."""
    sources = behind_routing(chip, past.name)
    if past.type.domain.kind != "graded" or not sources:
        return past.type
    source = chip.nodes[sources[0]]
    if source.name in plan.inputs and plan.inputs[source.name].bits is not None:
        integer_input = _input_type(source, plan)
        return replace(past.type, domain=integer_input.domain, scale=integer_input.scale)
    return replace(past.type, domain=plan.populations[source.name].op.infer(chip.args(source), {}).domain)


def _input_type(node: Node, plan: NetworkPlan) -> Type:
    """The type of an input of payloads in the integer graph."""
    bits, scale = plan.inputs[node.name].bits, plan.inputs[node.name].emission.scale
    assert bits is not None
    return replace(node.type, domain=graded(bits), scale=scale)


def _late(rewriter: Rewriter, node: Node, operand: str) -> str:
    """The current one step later: the chip's membrane takes the current of its own step, this one that of the step before."""
    return rewriter.builder.add(Delay(1), operand, name=f"{node.name}_late", provenance=node.provenance.after(PASS))


def _store(rewriter: Rewriter, node: Node, role: str, array: Array) -> str:
    base = node.param(role) or f"{node.name}.{role}"
    return rewriter.builder.param(f"{base}.{array.dtype}", array)
