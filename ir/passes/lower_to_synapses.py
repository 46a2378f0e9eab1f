"""
Turns a spiking network into synapses and neurons, by the rules of the table in `ir.lowerings`.

    %m = mul(%q, %k) : spike[36x8]                  %m_a = synapse(%q) : current[36x8]
                                                    %m_b = synapse(%k) : current[36x8]
                                                    %m = lif(%m_a, %m_b) {decay=1.0, form='sum', threshold=2.0}
    %x = add(%m, %k) : count<2>[36x8]
    %h = linear(%x, weight=@W, bias=@b)             %h = linear(%m, weight=@W)
                                                    %h_copy = linear(%k, weight=@W)
    %s = lif(%h) {decay=0.5} : spike[36x8]          %s = lif(%h, %h_copy, bias=@s.bias) {decay=0.5}

Afterwards every projection reads one population and feeds one neuron, every neuron reads currents, biases sit on neurons.
Nodes that the model does not have carry the pass and the strategy in their provenance.
"""

from __future__ import annotations

from collections.abc import Mapping

from ir.deployment import Context, Deployment
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.lowerings.cost import USUAL_WEIGHTS
from ir.lowerings.lowering import PASS, Lowering
from ir.lowerings.rules.over_time.memory import close_loop
from ir.lowerings.selection import StrategySelection
from ir.lowerings.table import LOWERINGS, operation
from ir.profile import CostWeights, Features


def lower_to_synapses(
    graph: Graph,
    features: Features,
    strategies: Mapping[str, str],
    weights: CostWeights = USUAL_WEIGHTS,
    rounds: bool = True,
) -> Graph:
    """
    The network at level synaptic.

    Args:
        graph: a chip graph without batch norms.
        features: what the profile's chip can do.
        strategies: operation or module path -> strategy, where the cheapest is not wanted.
        weights: the profile's, by which strategies are cheap.
        rounds: whether the network will be rounded to integers; else it keeps the source's arithmetic.

    Raises:
        CompileError: an operation without a lowering, an unknown strategy.
        DeployError: nodes that the chip cannot run, all of them.
    """
    lowering, selection = Lowering(graph, rounds), StrategySelection(graph, features, strategies, weights)
    for node in graph.nodes.values():
        row = operation(lowering, node)
        if row is None:
            raise _unknown(node)
        name = selection.strategy(lowering, row, node)
        provenance = node.provenance.after(PASS).after(f"{row}={name}")
        lowering.values[node.name] = LOWERINGS[row][name].rule(lowering, node, provenance)
        close_loop(lowering, node, provenance)
    selection.finish()
    return lowering.builder.build({name: lowering.output(value) for name, value in graph.outputs.items()})


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with its chip's graph at level synaptic, see `lower_to_synapses`."""
    profile, strategies, rounds = context.profile, context.strategies, context.rounds
    return deployment.on_chip(lambda chip: lower_to_synapses(chip, profile.features, strategies, profile.cost, rounds))


def _unknown(node: Node) -> CompileError:
    what = f"%{node.name}: {node.op.kind} has no lowering"
    hint = "a host can run it before the first neurons or behind the last ones"
    return CompileError("lower.unknown", what, where=str(node.provenance), hint=hint)
