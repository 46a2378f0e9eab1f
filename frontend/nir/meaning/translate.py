"""
NIR network and semantics -> IR graph.

Several edges into a node add up, in the order of the file; an edge that occurs twice counts twice. Every node's provenance is
the name of the NIR node that it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from frontend.input_domain import stated_domain
from frontend.names import node_name
from frontend.nir.meaning.emit import DiscreteNetwork, build
from frontend.nir.meaning.neurons import POPULATIONS, population
from frontend.nir.meaning.projections import OpWithParams, delay_steps, projection
from frontend.nir.meaning.recurrence import Lags, lags
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNetwork, NirNode
from ir.errors import CompileError, known_names
from ir.graph import Array, Graph, free_name
from ir.ops import Delay
from ir.types import CURRENT, REAL, Type

WIDENINGS = 4
"""How often the types on a loop are corrected before they become real: sums of spikes over a loop would grow for ever."""


def translate(
    network: NirNetwork, semantics: Semantics, domains: Mapping[str, str] | None = None, name: str = "network"
) -> Graph:
    """
    The IR graph of a network under a complete reading.

    Args:
        domains: Input node -> `spike`, `count<r>` or `real`; the file's metadata (`domain` of the node) or real without.

    Raises:
        CompileError: for constants that have no meaning under the semantics, and unknown inputs or domains.
    """
    discrete = _discrete(network, semantics, domains or {}, name)
    types = {key: str(_first_guess(node, discrete.ops[key])) for key, node in network.nodes.items()}
    for attempt in range(WIDENINGS + len(network.nodes)):
        graph, actual = build(discrete, types)
        wrong = {key for key, text in actual.items() if types[key] != text}
        if not wrong:
            return graph
        late = attempt >= WIDENINGS
        types |= {key: str(Type(network.nodes[key].output_shape, REAL)) if late else actual[key] for key in wrong}
    raise AssertionError("the types of a loop do not settle")


def _discrete(network: NirNetwork, semantics: Semantics, domains: Mapping[str, str], name: str) -> DiscreteNetwork:
    """Everything about the graph but the types on its loops."""
    dtype = dtype_of(network)
    delays = {key: _delay(key, node, semantics) for key, node in network.nodes.items() if node.kind == "Delay"}
    edge_lags = lags(network, semantics, {key: int(steps.min()) for key, steps in delays.items()})
    return DiscreteNetwork(
        network,
        edge_lags,
        {key: _ops(key, node, semantics, dtype, delays, edge_lags) for key, node in network.nodes.items()},
        value_names(network),
        _domains(network, domains),
        name,
        _window(network),
        dtype,
    )


def value_names(network: NirNetwork) -> dict[str, str]:
    """NIR node -> a name of its own that the IR's text form can hold."""
    names: dict[str, str] = {}
    for key in network.nodes:
        names[key] = free_name(node_name(key), names.values())
    return names


def dtype_of(network: NirNetwork) -> str:
    """What the metadata says, as our files do; else float64 if any array of the file is, else float32."""
    stated = network.metadata.get("dtype")
    if isinstance(stated, str) and stated in ("float32", "float64"):
        return stated
    params = (value for node in network.nodes.values() for value in node.params.values())
    arrays: list[Array] = [value for value in params if isinstance(value, np.ndarray)]
    return "float64" if any(array.dtype == np.float64 for array in arrays) else "float32"


def _window(network: NirNetwork) -> int:
    """Steps of a window, as our files say in their metadata; 0 where nothing does."""
    try:
        return max(0, int(network.metadata.get("steps", 0)))
    except (TypeError, ValueError):
        return 0


def _domains(network: NirNetwork, stated: Mapping[str, str]) -> dict[str, str]:
    """Input node -> its domain: what the caller states, else what the file says, else real."""
    unknown = sorted(set(stated) - set(network.inputs))
    if unknown:
        raise CompileError(
            "nir.input", f"the network has no input {unknown[0]!r}", hint=known_names(unknown[0], network.inputs)
        )
    domains: dict[str, str] = {}
    for key in network.inputs:
        in_file = network.nodes[key].metadata.get("domain", "real")
        domains[key] = str(stated_domain(key, stated.get(key, in_file if in_file in ("spike", "real") else "real")))
    return domains


def _delay(key: str, node: NirNode, semantics: Semantics) -> Array:
    """The steps of a Delay node."""
    try:
        return delay_steps(node, semantics.dt, semantics.delay_rounding)
    except CompileError as error:
        raise CompileError(error.rule, f"node {key} (Delay): {error.what}", where=key, hint=error.hint) from error


def _ops(
    key: str, node: NirNode, semantics: Semantics, dtype: str, delays: Mapping[str, Array], edge_lags: Lags
) -> list[OpWithParams]:
    """The operations of a node on the sum of its operands; none for ends and for delays that are all in its edges."""
    if node.kind in POPULATIONS:
        try:
            return [population(node, semantics, dtype, key in edge_lags.looped)]
        except CompileError as error:
            raise CompileError(
                error.rule, f"node {key} ({node.kind}): {error.what}", where=key, hint=error.hint
            ) from error
    if node.kind == "Delay":
        rest = delays[key] - edge_lags.moved.get(key, 0)
        if rest.ndim:
            return [(Delay(), {"steps": rest})]
        return [] if key in edge_lags.moved else [(Delay(int(rest)), {})]
    return [] if node.kind in ("Input", "Output") else projection(node, dtype)


def _first_guess(node: NirNode, ops: list[OpWithParams]) -> Type:
    """The type of a node's value if its operands are currents; exact for neurons."""
    value = Type(node.input_shape, CURRENT)
    for op, arrays in ops:
        value = op.infer((value,), {role: array.shape for role, array in arrays.items()})
    return value
