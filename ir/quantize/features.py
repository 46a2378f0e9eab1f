"""What a float neuron asks of the chip beyond its built-in integrator; one refusal per neuron that asks too much."""

from __future__ import annotations

from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.membrane import Leaky
from ir.ops.neuron import Lif
from ir.quantize.neuron import forgets
from ir.target import Arithmetic, Features

HINT = "choose a profile with {}, or --precision float"


def check_features(chip: Graph, arithmetic: Arithmetic, features: Features | None) -> None:
    """CompileError for the first neuron that the chip's neurons cannot be; without `features` only widths are looked at."""
    for node in chip.nodes.values():
        for wanted, what in _needs(node):
            if not _has(wanted, arithmetic, features):
                name = wanted.replace("_", " ")
                where = f"%{node.name}  {node.provenance}"
                raise CompileError(
                    f"quantize.{wanted}", f"{what}, which needs {name}", where=where, hint=HINT.format(name)
                )


def _has(wanted: str, arithmetic: Arithmetic, features: Features | None) -> bool:
    if wanted == "graded_spikes" and arithmetic.payload_bits < 2:
        return False
    if features is None:
        return True
    return getattr(features, wanted) or (wanted == "soft_reset" and features.programmable_neurons)


def _needs(node: Node) -> list[tuple[str, str]]:
    """The features that a node takes, by their name in a profile, each with the reason."""
    op = node.op
    if isinstance(op, Leaky):
        what = "a neuron without threshold emits its membrane as a payload"
        return [("graded_spikes", what), ("programmable_neurons", what)]
    if not isinstance(op, Lif):
        return []
    found: list[tuple[str, str]] = []
    if op.reset == "subtract" and not _forgets_all(node):
        found.append(("soft_reset", "a spike takes the threshold from the membrane"))
    if op.reset == "none" and not _forgets_all(node):
        found.append(("programmable_neurons", "a spike leaves the membrane as it is"))
    if op.reset_at == "next":
        found.append(("programmable_neurons", "the reset comes one step after the spike"))
    if op.max_spikes != 1:
        found += [(name, "several spikes per step") for name in ("graded_spikes", "programmable_neurons")]
    return found


def _forgets_all(node: Node) -> bool:
    """Whether no neuron of the population remembers its membrane, so that resets do not matter."""
    return isinstance(node.op, Lif) and node.param("decay") is None and forgets(node.op, node.op.decay)
