"""The model file's contract: configurations, deterministic weights with which neurons fire, examples, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compile import compile_model
from models import taaf
from models.layers.firing import firing_rates

SMALL = [name for name in taaf.CONFIGS if not name.startswith("published")]


def test_published_sizes() -> None:
    published = taaf.CONFIGS["published"]
    assert (published.width, published.kernel, published.stride, published.T) == (64, 7, 2, 4)
    assert (published.video.shape, published.audio.shape) == ((3, 224, 224), (1, 224, 224))
    default = taaf.CONFIGS["av-digits"]
    assert next(iter(taaf.CONFIGS)) == "av-digits"
    assert (default.T, default.fusion, default.alpha_inference) == (4, "concat", False)


def test_one_configuration_has_inputs_of_different_steps() -> None:
    inputs = taaf.example("av-digits-two-rates", samples=2, seed=0)
    assert (len(inputs["video"]), len(inputs["audio"])) == (4, 8)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["av-digits", "av-digits-two-rates"])
def test_build_is_the_same_every_time_and_leaves_the_seed_alone(config: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, second = taaf.build(config), taaf.build(config)
    assert torch.equal(torch.rand(4), expected)
    assert not first.training
    assert all(torch.equal(value, second.state_dict()[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize("config", SMALL)
def test_it_takes_the_example_by_name_and_every_layer_fires(config: str) -> None:
    net, inputs = taaf.build(config), taaf.example(config, samples=8, seed=1)
    rates = firing_rates(net, inputs)
    assert len(rates) == 2 * (1 + 8 * 2 + 3)
    assert all(0.03 < rate < 0.4 for rate in rates.values()), rates
    with torch.no_grad():
        scores = net(**inputs)
    assert scores.shape == (8, 10)
    assert scores.std(dim=0).max() > 0


@pytest.mark.lava
@pytest.mark.slow
def test_lava_and_reference_fire_alike() -> None:
    network, frames = taaf.build("av-digits-two-rates"), taaf.example("av-digits-two-rates", 1, 0)
    program = compile_model(network, target="gpu", example=frames)
    reference, lava = program.run(frames), program.on("loihi").run(frames)
    assert {len(spikes) for spikes in reference.spikes.values()} == {4, 8}
    assert reference.events == lava.events
    assert all(np.array_equal(value, lava.outputs[name]) for name, value in reference.outputs.items())
    assert reference.spikes.keys() == lava.spikes.keys()
    for name, spikes in reference.spikes.items():
        np.testing.assert_array_equal(lava.spikes[name], spikes, err_msg=name)
