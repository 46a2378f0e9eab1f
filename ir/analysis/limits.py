"""
What a profile's fields cannot hold: rules about one node each, every one a small function that finds all that break it.

Only what needs no mapping is asked here: delays, and the bits of integer networks. Neurons and synapses per chip refuse
nothing, as networks are spread over cores and chips; what that cannot help is found by `ir.mapping.fit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ir.analysis.schedule import schedule
from ir.analysis.wiring import wiring_of
from ir.errors import Violation
from ir.graph import Array, Graph, Node
from ir.ops.integer_neuron import FiringNeuron, IntegerNeuron
from ir.ops.linear import Sum, Synapse
from ir.profile import Profile

OTHER_PROFILE = "choose a profile with wider fields"


def violations(chip: Graph, profile: Profile) -> list[Violation]:
    """Every limit of `profile` that a finished chip graph exceeds, rule by rule, in the graph's order."""
    rules = (*RULES, *INTEGER_RULES) if chip.is_integer else RULES
    return [violation for rule in rules for violation in rule(chip, profile)]


def delays_fit(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """No synapse waits for more than `max_delay` steps; relays have taken what they can."""
    limit = profile.arithmetic.max_delay
    longest: dict[str, int] = {}
    for (_, projection), delay in schedule(chip).synaptic.items():
        longest[projection] = max(delay, longest.get(projection, 0))
    for name, delay in longest.items():
        if delay > limit:
            what, hint = f"its synapses need {delay} steps of delay", "delay by fewer steps, or choose another profile"
            yield _violation("delay", chip.nodes[name], what, (delay, limit, "steps of delay"), hint)


def weights_fit(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """Weights lie within signed `weight_bits`, or are of one sign within as many bits; shared powers of two are free."""
    bits = profile.arithmetic.weight_bits
    for node in chip.nodes.values():
        if node.op.family != "projection":
            continue
        needed = weight_bits(chip, node, profile.features.programmable_neurons)
        if needed > bits:
            yield _violation(
                "weight-bits", node, f"its weights need {needed} bits", (needed, bits, "bits of weight"), OTHER_PROFILE
            )


def thresholds_fit(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """Thresholds, shifted as the chip shifts them, lie within `threshold_bits`."""
    arithmetic = profile.arithmetic
    for node in chip.nodes.values():
        if isinstance(node.op, FiringNeuron):
            highest = int(np.max(chip.arrays(node).get("vth", node.op.vth))) << node.op.shift
            needed = (highest >> arithmetic.activation_shift).bit_length()
            if needed > arithmetic.threshold_bits:
                what = f"its threshold needs {needed} bits"
                yield _violation(
                    "threshold-bits",
                    node,
                    what,
                    (needed, arithmetic.threshold_bits, "bits of threshold"),
                    OTHER_PROFILE,
                )


def biases_fit(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """Every bias of a neuron with a membrane is a signed mantissa shifted left by a small exponent."""
    bits, most = profile.arithmetic.bias_mantissa_bits, profile.arithmetic.bias_exponent_max
    for node in chip.nodes.values():
        bias = chip.arrays(node).get("bias")
        if bias is None or not isinstance(node.op, IntegerNeuron):
            continue
        magnitude = np.abs(bias.astype(np.int64))
        exponent = np.minimum(trailing_zeros(magnitude), most)
        needed = int(np.max(magnitude >> exponent)).bit_length() + 1
        if needed > bits:
            what = f"its bias needs a mantissa of {needed} bits"
            yield _violation("bias-bits", node, what, (needed, bits, "bits of bias"), OTHER_PROFILE)


def biases_are_coarse(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """Every bias of a neuron with a membrane is a multiple of what the least exponent makes of a mantissa."""
    least = 1 << profile.arithmetic.bias_exponent_min
    for node in chip.nodes.values():
        bias = chip.arrays(node).get("bias")
        step = 0 if bias is None else int(np.gcd.reduce(bias.astype(np.int64), axis=None))
        if step % least and isinstance(node.op, IntegerNeuron):
            yield _violation(
                "bias-step",
                node,
                f"its bias comes in steps of {step}",
                (step, least, "as the step of a bias"),
                OTHER_PROFILE,
            )


def leaks_fit(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """Membranes keep what they hold where those of the chip do not decay."""
    for node in chip.nodes.values():
        if isinstance(node.op, IntegerNeuron) and not profile.features.leaky_neurons:
            decay = int(np.max(chip.arrays(node).get("dv", node.op.dv)))
            if decay:
                what = f"its membrane decays by {decay} of {1 << node.op.decay_bits} a step"
                hint = "use neurons that integrate, or a profile with leaky ones"
                yield _violation("leak", node, what, (decay, 0, "of leak"), hint)


def payloads_fit(chip: Graph, profile: Profile) -> Iterator[Violation]:
    """Payloads that travel on the chip lie within `payload_bits`; what only the host reads does not travel."""
    limit = profile.arithmetic.payload_bits
    read = {source for sources in wiring_of(chip).sources.values() for source in sources}
    for node in chip.nodes.values():
        graded = node.op.family == "neuron" and node.type.domain.kind == "graded"
        if graded and node.name in read and node.type.domain.bound > limit:
            what = f"it sends payloads of {node.type.domain.bound} bits"
            yield _violation(
                "payload-bits", node, what, (node.type.domain.bound, limit, "bits of payload"), OTHER_PROFILE
            )


Rule = Callable[[Graph, Profile], Iterator[Violation]]
RULES: tuple[Rule, ...] = (delays_fit,)
INTEGER_RULES: tuple[Rule, ...] = (weights_fit, thresholds_fit, biases_fit, biases_are_coarse, leaks_fit, payloads_fit)


def _violation(rule: str, node: Node, what: str, use: tuple[int, int, str], hint: str) -> Violation:
    """`use`: what it needs, what there is, and in which unit."""
    number, limit, unit = use
    return Violation(
        rule=f"limits.{rule}",
        what=f"%{node.name}: {what}, limit {limit}",
        where=str(node.provenance),
        hint=hint,
        node=node.name,
        number=number,
        limit=limit,
        unit=unit,
    )


def _weights(chip: Graph, node: Node) -> Array:
    weight = chip.arrays(node).get("weight")
    if weight is None:
        assert isinstance(node.op, (Synapse, Sum)), node.op
        weight = np.asarray(node.op.weight)
    return weight.astype(np.int64)


def weight_bits(chip: Graph, node: Node, own_rows: bool) -> int:
    """
    The bits of the format that holds a projection's weights: with sign where both occur, a shared power of two left out.

    Args:
        own_rows: whether that of every row counts, since neurons shift what arrives.
    """
    weights = _weights(chip, node)
    rows = weights.reshape(len(weights), -1) if own_rows and weights.ndim else weights.reshape(1, -1)
    mantissas = rows >> trailing_zeros(np.bitwise_or.reduce(np.abs(rows), axis=1))[:, None]
    low, high = int(mantissas.min(initial=0)), int(mantissas.max(initial=0))
    if low < 0 < high:
        return max(high.bit_length(), (-low - 1).bit_length()) + 1
    return max(high, -low).bit_length()


def trailing_zeros(magnitude: Array) -> Array:
    """How many low bits are zero; 0 for zero."""
    lowest = np.maximum(magnitude & -magnitude, 1)
    return np.log2(lowest).astype(np.int64)
