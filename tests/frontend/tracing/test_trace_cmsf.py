"""CMSF's parts, all variants, imported: the graph computes bit for bit what the modules compute."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from frontend.tracing.trace import trace_module
from ir.interpreter import interpret
from ir.verify import verify
from models import cmsf
from models.layers.spike_generators import GENERATORS
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features, set_firing_rates

torch.set_num_threads(1)
SMALL = CmsfConfig(N=6, L=6, D=16, F=24, region_features=10, word_features=8, heads=4, combs=3)
VARIANTS = {
    **{f"generator-{name}": replace(SMALL, generator=name) for name in GENERATORS},
    **{f"generator-{name}-3-steps": replace(SMALL, generator=name, T=3) for name in GENERATORS},
    **{f"fusion-{name}": replace(SMALL, fusion=name) for name in ("scca", "sca", "scsa")},
    "no-interleave": replace(SMALL, interleave=False),
    "spike-gate": replace(SMALL, gate="spike"),
    "two-blocks": replace(SMALL, depth=2),
    "one-step": replace(SMALL, T=1),
    "four-steps": replace(SMALL, T=4),
    "sca-unequal-tokens": replace(SMALL, fusion="sca", N=5),
    "scsa-unequal-tokens": replace(SMALL, fusion="scsa", N=5),
}


def assert_imports_exactly(module: torch.nn.Module, inputs: dict[str, torch.Tensor], steps: int) -> None:
    graph = trace_module(module, inputs, cmsf.STATIC_INPUTS, steps, "part")
    verify(graph, "source")
    ours = interpret(graph, {key: value[None] for key, value in inputs.items()})
    with torch.no_grad():
        theirs = module(**inputs)._asdict()
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        torch.testing.assert_close(ours[key][0], value, rtol=0, atol=1e-5)
        assert value.abs().max() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_imported_exactly(name: str) -> None:
    config = VARIANTS[name]
    parts = initial_parts(config, seed=1)
    inputs = random_features(config, samples=4, seed=2)
    for part, module in parts.items():
        set_firing_rates(module, inputs[part])
        assert_imports_exactly(module, inputs[part], config.T)


def test_nodes_are_named_after_modules() -> None:
    inputs = random_features(SMALL, samples=2, seed=0)
    graph = trace_module(initial_parts(SMALL, 0)["image"], inputs["image"], cmsf.STATIC_INPUTS, 2, "image")
    assert graph.nodes["block.0.attn.q_lif"].provenance.module == "block.0.attn.q_lif"
    assert graph.nodes["block.0.attn.matmul"].provenance.module == "block.0.attn"
    assert dict(graph.nodes["block.0.attn.q_linear"].params) == {
        "weight": "block.0.attn.q_linear.weight",
        "bias": "block.0.attn.q_linear.bias",
    }
