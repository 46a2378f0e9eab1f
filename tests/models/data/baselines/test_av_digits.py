"""The small network that hears and sees: who teaches whom, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.data.av_digits import AudioVisual, load_split
from models.data.baselines import av_digits
from models.data.baselines.av_digits import HearAndSee, accuracies, inputs, train


def few(data: AudioVisual, count: int) -> AudioVisual:
    return AudioVisual(data.video[:count], data.audio[:count], data.labels[:count], data.voices[:count])


def test_inputs_have_time_first():
    data = few(load_split("dev"), 5)
    audio, video, labels = inputs(data)
    assert audio.shape == (4, 5, 1, 32, 32)
    assert video.shape == (4, 5, 1, 16, 16)
    np.testing.assert_array_equal(video[3, 2].numpy(), data.video[2, 3])
    np.testing.assert_array_equal(audio[0].numpy(), audio[3].numpy())
    assert labels.tolist() == data.labels.tolist()


def test_the_network_is_as_large_as_the_facts_say():
    assert sum(parameter.numel() for parameter in HearAndSee("spiking", "joint").parameters()) == 59_006


@pytest.mark.parametrize(("objective", "taught"), [("branches", (True, True, False)), ("joint", (False, False, True))])
def test_who_teaches_the_branches(objective: str, taught: tuple[bool, bool, bool]):
    """Gradients of each read-out's loss in the first convolutions."""
    torch.manual_seed(0)
    network = HearAndSee("relu", objective)
    audio, video, labels = inputs(few(load_split("dev"), 8))
    for number, expected in enumerate(taught):
        network.zero_grad()
        torch.nn.functional.cross_entropy(network(audio, video)[number], labels).backward()
        reached = [branch[0].convolution.weight.grad is not None for branch in (network.audio, network.video)]
        assert any(reached) is expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spiking", "relu"])
def test_it_learns(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Four epochs of 512 samples: far better than by chance (10 %)."""
    monkeypatch.setattr(av_digits, "BATCH", 32)
    monkeypatch.setattr(
        av_digits, "load_split", lambda split, *rest, **more: few(load_split(split, *rest, **more), 512)
    )
    torch.manual_seed(0)
    network = HearAndSee(kind, "branches")
    train(network, "balanced", 4, seed=0)
    assert capsys.readouterr().out.count("dev: {'audio'") == 4
    result = accuracies(network, few(load_split("dev"), 512))
    assert result["both"] > 40.0
