"""The published networks against SpikingJelly's own, sizes, the contract."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.model import parametric_lif_net
from spikingjelly.activation_based.neuron import ParametricLIFNode
from torch import nn

from models import plif_net
from models.layers.firing import firing_rates, set_firing_rates
from models.plif_net import PlifNet, PlifNetConfig
from models.training.classification.training import plain_metrics

MNIST, CIFAR10 = (plif_net.CONFIGS[f"published-{name}"] for name in ("mnist", "cifar10"))
THEIRS = [
    (MNIST, parametric_lif_net.MNISTNet, 13_201_128),
    (CIFAR10, parametric_lif_net.CIFAR10Net, 36_720_492),
]
SMALL = plif_net.CONFIGS["digit-films"]


@pytest.mark.parametrize(("config", "theirs", "parameters"), THEIRS)
def test_published_sizes_are_spikingjellys(config: PlifNetConfig, theirs: type[nn.Module], parameters: int) -> None:
    with torch.device("meta"):
        ours = PlifNet(config)
        other = theirs(config.channels, ParametricLIFNode, init_tau=2.0)
    assert [p.shape for p in ours.parameters()] == [p.shape for p in other.parameters()]
    assert sum(p.numel() for p in ours.parameters()) == parameters


@pytest.mark.parametrize(("config", "theirs", "parameters"), THEIRS)
def test_scores_are_spikingjellys(config: PlifNetConfig, theirs: type[nn.Module], parameters: int) -> None:
    """Two channels, other time constants, the same weights."""
    torch.manual_seed(0)
    ours, other = PlifNet(replace(config, channels=2, T=3)).eval(), theirs(2, ParametricLIFNode, init_tau=2.0).eval()
    for module in ours.modules():
        if isinstance(module, ParametricLIFNode):
            nn.init.normal_(module.w)
    frames = torch.rand(3, 4, config.image[0], config.image[1], config.image[1])
    set_firing_rates(ours, {"frames": frames})
    other.load_state_dict(dict(zip(other.state_dict(), ours.state_dict().values(), strict=True)))
    functional.set_step_mode(other, "m")
    with torch.no_grad():
        scores = ours(frames)
        assert torch.equal(scores, other(frames).mean(0))
        assert torch.equal(scores, ours(frames)), "a forward begins at rest"
    assert len(scores.unique()) > 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": (1, 18)}, r"image = \(1, 18\): at least 1 channel, and a side that two pools of 2 divide"),
        ({"image": (0, 16)}, "at least 1 channel"),
        ({"image": (16,)}, "at least 1 channel"),
        ({"channels": 0}, "channels = 0: at least 1"),
        ({"hidden": 0}, "hidden = 0: at least 1"),
        ({"convolutions": 0}, "convolutions = 0: at least 1"),
        ({"T": 0}, "T = 0: at least 1"),
    ],
)
def test_sizes_that_are_none_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_contract() -> None:
    network, inputs = plif_net.build("digit-films"), plif_net.example("digit-films", 40, 1)
    with torch.no_grad():
        assert network(**inputs).shape == (40, 10)
    for path, rate in firing_rates(network, inputs).items():
        assert 0.05 < rate < 0.3, path
    assert torch.equal(inputs["frames"], plif_net.example("digit-films", 40, 1)["frames"])
    frames = plif_net.example("published-cifar10", 2, 1)["frames"]
    assert frames.shape == (8, 2, 3, 32, 32)
    assert torch.equal(frames, frames[:1].expand_as(frames)), "an image is the same in every step"
    with pytest.raises(ValueError, match="no configuration 'huge' of PLIF net; there are digit-films, published-mnist"):
        plif_net.build("huge")


def test_weights_of_another_size_are_one_line(tmp_path: Path) -> None:
    torch.save(PlifNet(replace(SMALL, hidden=8)).state_dict(), tmp_path / "w.pt")
    with pytest.raises(
        ValueError, match=r"as PLIF net weights: layers.10.weight has shape \(8, 256\), the network needs"
    ):
        plif_net.load_weights({"network": PlifNet(SMALL)}, tmp_path / "w.pt")


def test_task_and_training_are_for_films() -> None:
    task = plif_net.task("digit-films")
    assert task is not None
    assert task.metric_names == ("squared error", "accuracy")
    assert plif_net.task("published-mnist") is None
    assert plif_net.weights("published-mnist") is None
    (stage,) = plif_net.training(replace(SMALL, channels=2, hidden=8, T=2), seed=0, epochs=3).stages
    assert (stage.epochs, stage.select, stage.worth("squared error", {"squared error": 0.25})) == (
        3,
        "squared error",
        -0.25,
    )
    with pytest.raises(ValueError, match=r"there are films of 16 x 16 pixels to train on, not images of \(1, 28\)"):
        plif_net.training(MNIST, seed=0)


@pytest.mark.slow
def test_trained_weights_reach_what_their_log_says() -> None:
    path, task = plif_net.weights("digit-films"), plif_net.task("digit-films")
    assert path is not None
    assert task is not None
    network = plif_net.build("digit-films")
    plif_net.load_weights({"network": network}, path)
    logged = json.loads(path.with_suffix(".jsonl").read_text().splitlines()[-1])["test"]
    metrics = plain_metrics(network, task.data.split("test"), "squared error")
    assert metrics["accuracy"] == pytest.approx(logged["accuracy"], abs=0.5)  # a tie falls as the machine's sums do
    taus = [float(1 / node.w.sigmoid()) for node in network.modules() if isinstance(node, ParametricLIFNode)]
    assert max(taus) - min(taus) > 0.5, "time constants have been learned"
