"""What a float neuron asks of the chip beyond its built-in integrator; one refusal per neuron that asks too much."""

from __future__ import annotations

from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.base import Op
from ir.ops.float_neurons.alpha import AlphaLif
from ir.ops.float_neurons.fixed_point import FixedPointLif
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif
from ir.ops.float_neurons.potential import Potential
from ir.ops.float_neurons.rectified import RectifiedLif
from ir.ops.float_neurons.refractory import RefractoryLif
from ir.ops.membrane import Leaky
from ir.ops.neuron import Burst, Gate, Graded, Lif
from ir.profile import Arithmetic, Features
from ir.quantize.neurons.normalize import forgets

HINT = "choose a profile with {}, or --precision float"
OWN_PROGRAMS: dict[type[Op], str] = {
    MovingThresholdLif: "spikes raise the threshold",
    RefractoryLif: "the neuron rests after a spike",
    AlphaLif: "the membrane is the difference of two currents",
    RectifiedLif: "the membrane does not fall below a number",
}
"""The neurons whose integers no chip has built in, each with the reason."""
ROUNDED = (Lif, FixedPointLif, Leaky, Potential, Graded, Gate, Burst, *OWN_PROGRAMS)
"""The neurons that have integers; not what else is derived from them, which would lose what it adds."""


def check_features(chip: Graph, arithmetic: Arithmetic, features: Features | None) -> None:
    """CompileError for the first neuron that the chip's neurons cannot be; without `features` only widths are looked at."""
    for node in chip.nodes.values():
        kind = _without_integers(node)
        if kind:
            what, where = f"{kind} has no integers", f"%{node.name}  {node.provenance}"
            raise CompileError("quantize.neuron", what, where=where, hint="use --precision float")
        for feature, reason in _needed_features(node):
            if not _has(feature, arithmetic, features):
                name = feature.replace("_", " ")
                what, where = f"{reason}, which needs {name}", f"%{node.name}  {node.provenance}"
                raise CompileError(f"quantize.{feature}", what, where=where, hint=HINT.format(name))


def _without_integers(node: Node) -> str:
    """The neuron that no chip has integers for; empty for any other node."""
    op = node.op
    if isinstance(op, Lif) and op.comparator == "round":
        return f"{op.kind} that rounds"
    return op.kind if op.family == "neuron" and type(op) not in ROUNDED else ""


def _has(feature: str, arithmetic: Arithmetic, features: Features | None) -> bool:
    if feature == "graded_spikes" and arithmetic.payload_bits < 2:
        return False
    if features is None:
        return True
    return getattr(features, feature) or (feature == "soft_reset" and features.programmable_neurons)


def _needed_features(node: Node) -> list[tuple[str, str]]:
    """The features that a node takes, by their name in a profile, each with the reason."""
    op = node.op
    if isinstance(op, (Leaky, Potential)):
        kind = "without threshold" if isinstance(op, Leaky) else "beside another one"
        reason = f"a neuron {kind} emits its membrane as a payload"
        return [("graded_spikes", reason), ("programmable_neurons", reason)]
    if not isinstance(op, Lif):
        return []
    needed = [("programmable_neurons", OWN_PROGRAMS[type(op)])] if type(op) in OWN_PROGRAMS else []
    if op.reset == "subtract" and not _forgets_all(node):
        needed.append(("soft_reset", "a spike takes the threshold from the membrane"))
    if op.reset == "none" and not _forgets_all(node):
        needed.append(("programmable_neurons", "a spike leaves the membrane as it is"))
    if op.reset_at == "next":
        needed.append(("programmable_neurons", "the reset comes one step after the spike"))
    if op.max_spikes != 1:
        needed += [(name, "several spikes per step") for name in ("graded_spikes", "programmable_neurons")]
    return needed


def _forgets_all(node: Node) -> bool:
    """Whether no neuron of the population remembers its membrane, so that resets do not matter."""
    return isinstance(node.op, Lif) and node.param("decay") is None and forgets(node.op, node.op.decay)
