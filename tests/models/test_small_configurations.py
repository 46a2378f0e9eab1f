"""Small configurations change sizes only: layer by layer they have the published networks' kinds of modules, and thresholds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from spikingjelly.activation_based.neuron import BaseNode, LIFNode
from torch import nn

from models import cmsf, plif_net, snnergy, spikeclip, spikformer, taaf
from models.networks.cmsf.parts import initial_parts as cmsf_parts
from models.networks.snnergy.network import Snnergy
from models.networks.spikeclip.parts import initial_parts as spikeclip_parts
from models.networks.taaf.network import Taaf

NETWORKS: dict[str, Callable[[str], dict[str, nn.Module]]] = {
    "cmsf": lambda config: cmsf_parts(cmsf.CONFIGS[config], 0),
    "plif_net": lambda config: {"network": plif_net.PlifNet(plif_net.CONFIGS[config])},
    "snnergy": lambda config: {"network": Snnergy(snnergy.CONFIGS[config])},
    "spikeclip": lambda config: spikeclip_parts(spikeclip.CONFIGS[config], 0),
    "spikformer": lambda config: {"network": spikformer.Spikformer(spikformer.CONFIGS[config])},
    "taaf": lambda config: {"network": Taaf(taaf.CONFIGS[config])},
}
"""Model file -> its parts in a configuration."""
PAIRS = [
    ("cmsf", "digits", "paper"),
    ("cmsf", "emoji", "paper"),
    ("plif_net", "digit-films", "published-mnist"),
    ("snnergy", "av-digits", "published-192"),
    ("snnergy", "av-digits", "published-96"),
    ("snnergy", "av-digits-spike-pool", "published-192-spike-pool"),
    ("spikeclip", "emoji-styles", "published-spike"),
    ("spikeclip", "emoji-styles-analog", "published"),
    ("spikformer", "emoji-groups", "published"),
    ("taaf", "av-digits", "published"),
    ("taaf", "av-digits", "published-64"),
]


@pytest.mark.parametrize(("model", "small", "published"), PAIRS)
def test_small_and_published_configurations_have_the_same_kinds_of_modules(
    model: str, small: str, published: str
) -> None:
    kinds = _kinds(model, small)
    assert kinds == _kinds(model, published)
    assert sum("fires at" in kind for kind in kinds.values()) > (3 if model == "plif_net" else 10)


def _kinds(model: str, config: str) -> dict[str, str]:
    """The kind of every module, by part and path."""
    with torch.device("meta"):
        parts = NETWORKS[model](config)
    return {f"{name}.{path}": _kind(module) for name, part in parts.items() for path, module in part.named_modules()}


def _kind(part: nn.Module) -> str:
    name = type(part).__name__
    tau = f", tau {part.tau}" if isinstance(part, LIFNode) else ""
    return f"{name} fires at {part.v_threshold}{tau}" if isinstance(part, BaseNode) else name
