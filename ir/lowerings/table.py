"""The table of lowerings: operation -> strategy -> rule. A new way to run an operation is a row here and a rule in `rules`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ir.graph import Node, Provenance
from ir.lowerings.cost import Cost
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.chain import (
    cost_of_a_relay,
    cost_of_merging,
    lower_by_merging,
    lower_by_relay,
    obstacle_to_merging,
)
from ir.lowerings.rules.integer_spikes import (
    lower_integer_spikes,
    lower_past_of_levels,
    obstacle_to_levels,
    rounds_to_levels,
)
from ir.lowerings.rules.logic import lower_mask, lower_max_pool, lower_not
from ir.lowerings.rules.max_of_currents import (
    cost_of_max_by_chain,
    cost_of_max_by_tree,
    lower_max_at_once,
    lower_max_by_chain,
    lower_max_by_tree,
)
from ir.lowerings.rules.neuron import lower_input, lower_neuron
from ir.lowerings.rules.over_time.by_step import lower_time_offset, lower_time_weight
from ir.lowerings.rules.over_time.memory import (
    is_plain_delay,
    is_plain_loop,
    lower_delay,
    lower_delay_by_relay,
    lower_past,
    lower_past_by_relay,
)
from ir.lowerings.rules.products.attention import (
    cost_graded_a,
    cost_graded_b,
    cost_time_coded,
    lower_graded_a,
    lower_graded_b,
    lower_time_coded,
)
from ir.lowerings.rules.products.counts import (
    cost_of_ands,
    cost_of_payloads,
    lower_matmul_by_payloads,
    obstacle_to_products,
)
from ir.lowerings.rules.products.gate import lower_gate
from ir.lowerings.rules.products.matmul import attention_above, lower_matmul
from ir.lowerings.rules.projection import composed_current, lower_projection
from ir.lowerings.rules.routing import lower_routing
from ir.lowerings.rules.scale import lower_offset, lower_scale
from ir.lowerings.rules.scaled_spikes import spike_populations, spiking_factor
from ir.lowerings.rules.sums import lower_add, lower_subtract
from ir.lowerings.values import Current, LoweredValue, PendingProduct
from ir.ops import Past

Rule = Callable[[Lowering, Node, Provenance], LoweredValue]


@dataclass(frozen=True)
class Strategy:
    """One way to run an operation."""

    rule: Rule
    """(lowering, node, provenance for added nodes) -> what the node's value becomes."""
    needs: tuple[str, ...] = ()
    """The features that it takes, by their name in a profile."""
    cost: Callable[[Lowering, Node], Cost] | None = None
    """What it adds, where there is a choice."""
    hint: str = ""
    """What else to do where it is impossible."""
    obstacle: Callable[[Lowering, Node], str | None] | None = None
    """Why it cannot lower a node on any chip, None where it can."""


GRADED = ("graded_spikes", "programmable_neurons")
OTHER_PROFILE = "choose a profile with graded spikes"
POOL_SPIKES = f"pool behind the neurons, use average pooling, {OTHER_PROFILE}, or --precision float"
FEWER_LEVELS = f"fire fewer spikes per step, or {OTHER_PROFILE}"

LOWERINGS: Mapping[str, Mapping[str, Strategy]] = {
    "attention": {
        "graded-a": Strategy(lower_graded_a, GRADED, cost_graded_a, f"use attention=time-coded, or {OTHER_PROFILE}"),
        "graded-b": Strategy(lower_graded_b, GRADED, cost_graded_b, f"use attention=time-coded, or {OTHER_PROFILE}"),
        "time-coded": Strategy(lower_time_coded, (), cost_time_coded),
    },
    "gate": {"graded": Strategy(lower_gate, GRADED, hint=f"train the model with gate='spike', or {OTHER_PROFILE}")},
    "mask": {"and": Strategy(lower_mask, hint=FEWER_LEVELS, obstacle=obstacle_to_products)},
    "max-pool": {"or": Strategy(lower_max_pool)},
    "analog-max-pool": {
        "chain": Strategy(lower_max_by_chain, GRADED, cost_of_max_by_chain, POOL_SPIKES),
        "tree": Strategy(lower_max_by_tree, GRADED, cost_of_max_by_tree, POOL_SPIKES),
    },
    "float-max-pool": {"at-once": Strategy(lower_max_at_once)},
    "matmul": {"and": Strategy(lower_matmul)},
    "count-matmul": {
        "and": Strategy(lower_matmul, (), cost_of_ands, FEWER_LEVELS, obstacle_to_products),
        "payloads": Strategy(lower_matmul_by_payloads, GRADED, cost_of_payloads, FEWER_LEVELS),
    },
    "analog-matmul": {
        "graded": Strategy(lower_matmul, GRADED, hint=f"let both factors fire spikes, or {OTHER_PROFILE}")
    },
    "not": {"inverse": Strategy(lower_not)},
    "difference": {"inverse": Strategy(lower_subtract)},
    "residual": {"duplicate": Strategy(lower_add)},
    "projection": {"synapses": Strategy(lower_projection)},
    "chain": {
        "merge": Strategy(
            lower_by_merging,
            cost=cost_of_merging,
            hint="put neurons between the two, or choose a profile with graded spikes",
            obstacle=obstacle_to_merging,
        ),
        "relay": Strategy(lower_by_relay, GRADED, cost_of_a_relay, f"use chain=merge, or {OTHER_PROFILE}"),
    },
    "scale": {"weights": Strategy(lower_scale)},
    "offset": {"bias": Strategy(lower_offset)},
    "time-weight": {"gates": Strategy(lower_time_weight)},
    "time-offset": {"clock": Strategy(lower_time_offset)},
    "delay": {"synapses": Strategy(lower_delay)},
    "analog-delay": {"graded": Strategy(lower_delay_by_relay, GRADED, hint=f"delay spikes, or {OTHER_PROFILE}")},
    "loop": {"synapses": Strategy(lower_past)},
    "integer-loop": {"levels": Strategy(lower_past_of_levels)},
    "analog-loop": {
        "graded": Strategy(lower_past_by_relay, GRADED, hint=f"close the loop at spikes, or {OTHER_PROFILE}")
    },
    "neuron": {"synapses": Strategy(lower_neuron)},
    "integer-spikes": {
        "levels": Strategy(lower_integer_spikes, hint="use --precision float", obstacle=obstacle_to_levels)
    },
    "routing": {"wires": Strategy(lower_routing)},
    "input": {"wires": Strategy(lower_input)},
}
"""Operation -> strategy name -> strategy; the first of two equally cheap ones is taken."""

BY_KIND = {
    "add": "residual",
    "not": "not",
    "subtract": "difference",
    "scale": "scale",
    "offset": "offset",
    "time_offset": "time-offset",
    "time_weight": "time-weight",
}
BY_FAMILY = {"projection": "projection", "routing": "routing", "neuron": "neuron", "input": "input"}


def operation(lowering: Lowering, node: Node) -> str | None:
    """The table's row for a node, which for products depends on what the factors have become; None where there is none."""
    if node.op.kind == "mul":
        return "mask" if _are_spikes(lowering, node) else "gate"
    if node.op.kind == "max_pool":
        return _max_pool(lowering, node)
    if node.op.kind == "matmul":
        return _matrix_product(lowering, node)
    if node.op.family == "projection":
        (value,) = lowering.operands(node)
        chained = isinstance(value, Current) and composed_current(lowering, node, value) is None
        return "chain" if chained else "projection"
    if node.op.kind == "delay":
        return "delay" if is_plain_delay(lowering, node) else "analog-delay"
    if node.op.kind == "past":
        return _loop(lowering, node)
    if rounds_to_levels(lowering, node):
        return "integer-spikes"
    return BY_KIND.get(node.op.kind) or BY_FAMILY.get(node.op.family)


def _are_spikes(lowering: Lowering, node: Node) -> bool:
    """Whether all operands are spikes or counts, times constants."""
    return all(spiking_factor(lowering, value) is not None for value in lowering.operands(node))


def _loop(lowering: Lowering, node: Node) -> str:
    assert isinstance(node.op, Past)
    if rounds_to_levels(lowering, lowering.graph.nodes[node.op.of]):
        return "integer-loop"
    return "loop" if is_plain_loop(lowering, node) else "analog-loop"


def _max_pool(lowering: Lowering, node: Node) -> str:
    factors = [spiking_factor(lowering, value) for value in lowering.operands(node)]
    if all(factor is not None and factor > 0 for factor in factors):
        return "max-pool"
    return "analog-max-pool" if lowering.rounds else "float-max-pool"


def _matrix_product(lowering: Lowering, node: Node) -> str:
    operands = lowering.operands(node)
    if any(isinstance(value, PendingProduct) for value in operands):
        return "attention"
    inner = attention_above(lowering.graph, node) is not None
    if inner or not _are_spikes(lowering, node):
        return "matmul" if inner else "analog-matmul"
    return "matmul" if all(spike_populations(value) == 1 for value in operands) else "count-matmul"
