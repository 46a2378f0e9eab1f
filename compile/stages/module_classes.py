"""What kind of module a path names: its class in torch, or the operation where a network was read from a file."""

from __future__ import annotations

from typing import Any

from torch import nn

from ir.analysis.layers import layer_of
from ir.graph import Graph


def layer_classes(network: Any, source: Graph, chip: Graph) -> dict[str, str]:
    """Layer (a population of the chip graph) -> the classes of the modules that feed it and of its own, in order."""
    paths: dict[str, dict[str, None]] = {}
    for name, layer in layer_of(chip).items():
        paths.setdefault(layer, {})[chip.nodes[name].provenance.module] = None
    classes = {layer: [_class(network, source, path) for path in own] for layer, own in paths.items()}
    return {layer: ", ".join(dict.fromkeys(name for name in names if name)) for layer, names in classes.items()}


def _class(network: Any, source: Graph, path: str) -> str:
    """The class of one module; empty where a path names none, as functions of `forward` have it."""
    if not isinstance(network, nn.Module):
        nodes = [node for node in source.nodes.values() if node.provenance.module == path]
        return next((node.op.kind for node in sorted(nodes, key=lambda node: node.op.family == "routing")), "")
    try:
        return type(network.get_submodule(path)).__name__ if path else ""
    except AttributeError:
        return ""
