"""One file, from what all models share: sizes, the network against a replay, the contract."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import spikformer
from models.layers.firing import firing_rates
from models.retrieval.emoji_groups import EmojiGroupsTask
from models.spikformer import Spikformer, SpikformerConfig
from tests.models.deployed import assert_compiled_is_exact
from tests.models.networks.spikeclip.oracle import SpikeClipOracle, eighths, make_dyadic, oracle_of

TINY = SpikformerConfig(D=16, heads=2, classes=3, depth=2)


def _replay(oracle: SpikeClipOracle, images: np.ndarray, config: SpikformerConfig) -> np.ndarray:
    def convolution(name: str, x: np.ndarray) -> np.ndarray:
        return oracle.neuron(oracle.norm(f"{name}.bn", oracle.conv(f"{name}.conv", x)), 2.0)

    x = np.stack([images] * config.T)
    for place in range(4):
        x = convolution(f"stem.{place}", x)
        x = oracle.largest(x) if place >= 2 else x
    x = x + convolution("positions", x)
    x = np.moveaxis(x.reshape(*x.shape[:3], -1), 2, 3)
    for place in range(config.depth):
        x = x + oracle.spike_attention(f"block.{place}.attn", x, x, config.heads)
        hidden = oracle.layer(f"block.{place}.mlp.fc1_linear", f"block.{place}.mlp.fc1_bn", x)
        x = x + oracle.layer(f"block.{place}.mlp.fc2_linear", f"block.{place}.mlp.fc2_bn", hidden)
    return oracle.affine("head", x.mean(axis=2).mean(axis=0))


@pytest.mark.parametrize("seed", range(3))
def test_network_equals_replay(seed: int) -> None:
    network = Spikformer(TINY).eval()
    make_dyadic(network, seed)
    images = eighths((3, 3, 8, 8), 0, 8, seed)
    oracle = oracle_of(network)
    with torch.no_grad():
        scores = network(images)
        np.testing.assert_array_equal(scores.numpy(), _replay(oracle, images.double().numpy(), TINY))
        assert torch.equal(network(images[1:2])[0], scores[1])
    assert oracle.ties > 20
    assert len(np.unique(scores.numpy())) > 3


@pytest.mark.checkout
def test_the_file_needs_only_what_all_models_share() -> None:
    tree = ast.parse(Path(spikformer.__file__).read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    ours = {name for name in modules if name.startswith("models") or "models" in name.split(".")}
    assert ours
    assert {name.split(".")[1] for name in ours} == {"layers", "retrieval", "training"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 5}, "width D = 16 is not divisible by 5 heads"),
        ({"D": 12}, "or not by 8 for the stem"),
        ({"heads": 0}, "heads = 0: at least 1"),
        ({"T": 0}, "T = 0: at least 1"),
        ({"depth": 0}, "depth = 0: at least 1"),
        ({"classes": 0}, "classes = 0: at least 1"),
    ],
)
def test_sizes_that_are_none_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_weights_of_another_size_are_one_line(tmp_path: Path) -> None:
    torch.save(Spikformer(replace(TINY, classes=5)).state_dict(), tmp_path / "w.pt")
    with pytest.raises(
        ValueError, match=r"as Spikformer weights: head.weight has shape \(5, 16\), the network needs \(3, 16\)"
    ):
        spikformer.load_weights({"network": Spikformer(TINY)}, tmp_path / "w.pt")


def test_task_and_training_are_for_groups() -> None:
    assert isinstance(spikformer.task("emoji-groups"), EmojiGroupsTask)
    assert spikformer.task("published") is None
    assert spikformer.weights("published") is None
    training = spikformer.training(replace(TINY, classes=8), seed=0, epochs=1)
    assert [stage.name for stage in training.stages] == ["first", "tune"]
    with pytest.raises(ValueError, match="there are 8 groups of emoji to train on, not 10 classes"):
        spikformer.training(spikformer.CONFIGS["published"], seed=0)


@pytest.mark.slow
def test_published_size() -> None:
    network = spikformer.build("published")
    assert sum(parameter.numel() for parameter in network.parameters()) == 9_324_730


@pytest.mark.slow
def test_contract() -> None:
    network, inputs = spikformer.build("emoji-groups"), spikformer.example("emoji-groups", 2, 1)
    assert set(inputs) == set(spikformer.STATIC_INPUTS)
    with torch.no_grad():
        assert network(**inputs).shape == (2, 8)
    for path, rate in firing_rates(network, inputs).items():
        assert 0.05 < rate < 0.5, path
    assert torch.equal(inputs["images"], spikformer.example("emoji-groups", 2, 1)["images"])
    with pytest.raises(ValueError, match="no configuration 'huge' of Spikformer; there are emoji-groups, published"):
        spikformer.build("huge")


@pytest.mark.lava
@pytest.mark.slow
def test_compiled_dyadic_network_is_exact() -> None:
    network = Spikformer(TINY).eval()
    make_dyadic(network, 5)
    assert_compiled_is_exact(network, {"images": eighths((4, 3, 8, 8), 0, 8, 5)}, static=("images",), steps=4)


@pytest.mark.slow
def test_trained_weights_reach_what_their_log_says() -> None:
    path, task = spikformer.weights("emoji-groups"), EmojiGroupsTask()
    assert path is not None
    network = spikformer.build("emoji-groups")
    spikformer.load_weights({"network": network}, path)
    with torch.no_grad():
        scores = [network(few) for few in torch.split(torch.from_numpy(task.inputs("network")["images"]), 100)]
    metrics = task.metrics({"network": {"scores": torch.cat(scores).numpy()}})
    logged = json.loads(path.with_suffix(".jsonl").read_text().splitlines()[-1])["test"]
    assert metrics == pytest.approx(logged, abs=0.7)  # a tie of floats falls as the machine's sums do
