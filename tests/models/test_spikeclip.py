"""The model file's contract: configurations, published sizes and counts, deterministic parts, examples, errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from models import spikeclip
from models.layers.firing import firing_rates
from models.networks.spikeclip.config import SpikeClipConfig
from models.retrieval.emoji_task import example_pairs
from tests.models.networks.spikeclip.counting import count

SMALL = [name for name in spikeclip.CONFIGS if name.startswith("emoji")]
PUBLISHED = [name for name in spikeclip.CONFIGS if name.startswith("published")]


@pytest.fixture(scope="module", params=PUBLISHED)
def published(request: pytest.FixtureRequest) -> tuple[str, dict[str, nn.Module]]:
    return request.param, spikeclip.build(request.param)


def _parameters(*parts: nn.Module) -> int:
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def test_published_is_the_published_size() -> None:
    expected = SpikeClipConfig(D=384, heads=8, E=512, vocabulary=49408, positions=77)
    assert spikeclip.CONFIGS["published"] == expected
    assert (expected.T, expected.depth, expected.words, expected.pixels) == (4, 4, 20, 32)
    assert (expected.pool, expected.time, expected.text) == ("analog", "learned", "mlp")


@pytest.mark.slow
def test_published_parameter_counts(published: tuple[str, dict[str, nn.Module]]) -> None:
    _, parts = published
    assert _parameters(parts["image"]) == 9_513_396
    embedding = _parameters(parts["text"].get_submodule("clip_embedding"))
    assert embedding == 25_336_320
    assert _parameters(parts["text"]) - embedding == 22_022_660


@pytest.mark.slow
def test_published_neurons_and_synapses(published: tuple[str, dict[str, nn.Module]]) -> None:
    """Those worked out by hand per layer; pooled spikes need a neuron per pixel before the pool."""
    name, parts = published
    counted = count(parts["image"], spikeclip.example(name, 1, 0)["image"], steps=4)
    assert counted.neurons == 1_204_224 + (147_456 + 73_728 if name == "published-spike" else 0)
    assert counted.synapses == 897_798_720
    assert counted.residual_duplicates == 952_565_760
    assert counted.projections["patch_embed.block0_conv"] == 1_272_384
    assert counted.attention == 4 * 3_145_728


@pytest.mark.slow
def test_published_fires(published: tuple[str, dict[str, nn.Module]]) -> None:
    name, parts = published
    inputs = spikeclip.example(name, samples=1, seed=5)
    for part, network in parts.items():
        for path, rate in firing_rates(network, inputs[part]).items():
            assert 0.08 < rate < (0.5 if path.endswith("attn_lif") else 0.2), (part, path, rate)


def test_small_configurations_change_sizes_only() -> None:
    small, published = spikeclip.CONFIGS["emoji-styles"], spikeclip.CONFIGS["published"]
    for field in ("depth", "T", "words", "pixels", "time", "text", "neurons"):
        assert getattr(small, field) == getattr(published, field)
    assert small.heads >= 2


@pytest.mark.slow
@pytest.mark.parametrize("config", SMALL)
def test_build_is_the_same_every_time_and_leaves_the_seed_alone(config: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, second = spikeclip.build(config), spikeclip.build(config)
    assert torch.equal(torch.rand(4), expected)
    for name, part in first.items():
        other = second[name].state_dict()
        assert not part.training
        assert all(torch.equal(value, other[key]) for key, value in part.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("config", SMALL)
def test_parts_take_the_example_by_name(config: str) -> None:
    parts, inputs = spikeclip.build(config), spikeclip.example(config, samples=3, seed=1)
    assert parts.keys() == inputs.keys() == {"image", "text"}
    for name, part in parts.items():
        assert set(inputs[name]) <= set(spikeclip.STATIC_INPUTS)
        with torch.no_grad():
            assert part(**inputs[name]).shape == (3, spikeclip.CONFIGS[config].E)


def test_published_has_no_trained_weights_and_no_task() -> None:
    assert spikeclip.weights("published") is None
    assert spikeclip.task("published") is None


def test_trained_weights_come_with_the_repository() -> None:
    path = spikeclip.weights("emoji-styles")
    assert path is not None
    assert path.stat().st_size < 4_000_000
    assert path.with_suffix(".jsonl").is_file()


@pytest.mark.slow
def test_trained_weights_reach_what_their_log_says() -> None:
    path, task = spikeclip.weights("emoji-styles"), spikeclip.task("emoji-styles")
    assert path is not None
    assert task is not None
    parts = spikeclip.build("emoji-styles")
    spikeclip.load_weights(parts, path)
    outputs = dict[str, dict[str, NDArray[np.float32]]]()
    for name in task.parts:
        (inputs,) = task.inputs(name).values()
        with torch.no_grad():
            features = [parts[name](few) for few in torch.split(torch.from_numpy(inputs), 100)]
        outputs[name] = {"features": torch.cat(features).numpy()}
    logged = json.loads(path.with_suffix(".jsonl").read_text().splitlines()[-1])["test"]
    for metric, value in task.metrics(outputs).items():
        assert value == pytest.approx(logged[metric], abs=0.7), metric  # a tie of floats falls as the machine's sums do


def test_examples_are_training_images_with_their_captions() -> None:
    example, (images, tokens) = spikeclip.example("emoji-styles", 2, seed=3), example_pairs(2, seed=3)
    assert torch.equal(example["image"]["images"], images)
    assert torch.equal(example["text"]["tokens"], tokens)


def test_training_is_for_emoji() -> None:
    training = spikeclip.training(spikeclip.CONFIGS["emoji-styles-analog"], seed=0, epochs=1)
    assert [stage.name for stage in training.stages] == ["teacher", "text", "align", "first", "tune", "settle"]


@pytest.mark.parametrize("config", PUBLISHED)
def test_published_sizes_do_not_train(config: str) -> None:
    with pytest.raises(ValueError, match="the sizes do not fit the emoji, the only training data here"):
        spikeclip.training(spikeclip.CONFIGS[config], seed=0)


@pytest.mark.parametrize("use", [spikeclip.build, spikeclip.weights, lambda name: spikeclip.example(name, 1, 0)])
def test_unknown_configuration_is_named(use: object) -> None:
    assert callable(use)
    with pytest.raises(ValueError, match="no configuration 'huge' of SpikeCLIP; there are emoji-styles, "):
        use("huge")
