"""The model file's contract: configurations, deterministic weights with which neurons fire, examples, errors."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from compile import compile_model
from models import snnergy
from models.layers.firing import firing_rates, set_firing_rates
from models.networks.snnergy.config import FUSIONS

QUICK = ("av-digits", "av-digits-gate", "av-digits-s-cmrl")
SMALL = [name for name in snnergy.CONFIGS if not name.startswith("published")]
TRIED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SMALL]


@cache
def built(config: str) -> nn.Module:
    return snnergy.build(config)


def test_published_sizes_and_all_fusions_have_configurations() -> None:
    large, half = snnergy.CONFIGS["published-192"], snnergy.CONFIGS["published-96"]
    assert (large.width, half.width, large.heads, large.T, large.depths) == (192, 96, 8, 6, (1, 1, 1))
    assert large.video.shape == (3, 128, 128)
    assert {snnergy.CONFIGS[name].fusion for name in SMALL} == set(FUSIONS)
    default = snnergy.CONFIGS["av-digits"]
    assert next(iter(snnergy.CONFIGS)) == "av-digits"
    assert (default.fusion, default.pool, default.sum_neuron, default.mask_threshold) == (
        "cmqka",
        "current",
        False,
        0.6,
    )
    assert default.heads >= 2
    assert default.T == large.T


@pytest.mark.slow
@pytest.mark.parametrize("config", ["av-digits", "av-digits-gate"])
def test_build_is_the_same_every_time_and_leaves_the_seed_alone(config: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, second = snnergy.build(config), snnergy.build(config)
    assert torch.equal(torch.rand(4), expected)
    assert not first.training
    assert all(torch.equal(value, second.state_dict()[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize("config", TRIED)
def test_every_layer_fires(config: str) -> None:
    net, inputs = built(config), snnergy.example(config, samples=8, seed=1)
    rates = firing_rates(net, inputs)
    assert len(rates) > 40
    for path, rate in rates.items():
        if "attn_lif" in path or "sum_lif" in path:
            assert 0 < rate < 1, path
        else:
            assert 0.05 < rate < 0.4, path


@pytest.mark.parametrize("config", TRIED)
def test_it_takes_the_example_by_name(config: str) -> None:
    inputs = snnergy.example(config, samples=3, seed=1)
    assert set(inputs) == {"video", "audio"}
    assert all(x.shape[:2] == (6, 3) and x.min() >= 0 and x.max() <= 1 for x in inputs.values())
    with torch.no_grad():
        scores = built(config)(**inputs)
    assert scores.shape == (3, 10)
    assert scores.std(dim=0).max() > 0
    assert torch.equal(inputs["video"], snnergy.example(config, samples=3, seed=1)["video"])


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("config", ["av-digits", "av-digits-over-tokens"])
def test_lava_and_reference_fire_alike(config: str) -> None:
    """Weights, means over six steps and membranes over 64 tokens that are rounded; all else by dyadic networks."""
    narrow, inputs = replace(snnergy.CONFIGS[config], width=8), snnergy.example(config, samples=2, seed=1)
    network = snnergy.initial_network(narrow, seed=1)
    set_firing_rates(network, inputs, rate=0.25)
    program = compile_model(network, target="gpu", example=inputs)
    reference, lava = program.run(inputs), program.on("loihi").run(inputs)
    assert reference.spikes.keys() == lava.spikes.keys() == firing_rates(network, inputs).keys()
    for name, spikes in reference.spikes.items():
        np.testing.assert_array_equal(lava.spikes[name], spikes, err_msg=name)
        assert spikes.any(), name
    assert program.origin is not None
    (scores,) = program.origin.build.floating.run(inputs).outputs.values()
    with torch.no_grad():
        np.testing.assert_allclose(scores, network(**inputs).numpy(), atol=1e-5)
