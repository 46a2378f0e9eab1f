"""TAAF's losses on a batch and its metrics, against their terms; that modulation and guidance do what they say; that it learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models import taaf
from models.layers.firing import set_firing_rates
from models.networks.taaf.config import BranchSize, TaafConfig
from models.networks.taaf.losses import step_losses
from models.networks.taaf.training import taaf_losses, taaf_metrics
from models.training.audio_visual.digit_clips import DigitClips
from models.training.classification import training
from models.training.classification.samples import Samples
from models.training.loop import fit

SMALL = TaafConfig(
    video=BranchSize(2, 1, 16, 16), audio=BranchSize(2, 1, 32, 8), classes=10, T=2, width=2, kernel=3, stride=1
)


@pytest.fixture(scope="module")
def clips() -> Samples:
    return DigitClips(2, 2, 8).split("dev").chosen(torch.arange(12))


def test_without_guidance_and_suppression_losses_are_plain_cross_entropies(clips: Samples) -> None:
    network = taaf.initial_network(SMALL, 0).train()
    (loss,) = taaf_losses(network, replace(SMALL, guidance=0.0, suppression=0.0), clips).values()
    said = network.evidence(**clips.inputs)
    terms = [step_losses(scores, clips.labels).mean() for scores in (said.video, said.audio, said.fused)]
    assert loss.item() == pytest.approx(sum(term.item() for term in terms), rel=1e-5)
    (joint,) = taaf_losses(network, replace(SMALL, guidance=0.0, unimodal_weight=0.0), clips).values()
    assert joint.item() == pytest.approx(terms[2].item(), rel=1e-5)


def test_the_modality_ahead_is_held_back(clips: Samples) -> None:
    network = taaf.initial_network(SMALL, 0).train()
    with torch.no_grad():
        network.classifier.weight.mul_(8)
    free, held = (replace(SMALL, suppression=a) for a in (0.0, 2.0))
    assert taaf_losses(network, held, clips)["balanced"] < taaf_losses(network, free, clips)["balanced"]


def test_metrics_are_of_the_deployed_network_and_of_each_modality(clips: Samples) -> None:
    network = taaf.initial_network(SMALL, 0)
    set_firing_rates(network, clips.inputs)
    with torch.no_grad():
        scores, said = network(**clips.inputs), network.evidence(**clips.inputs)
    found = taaf_metrics(network, SMALL, clips)
    for name, own in (("accuracy", scores), ("video", said.video.mean(0)), ("audio", said.audio.mean(0))):
        assert found[name] == pytest.approx(100 * float((own.argmax(1) == clips.labels).double().mean())), name
    assert min(found["k video"], found["k audio"]) < 1 <= max(found["k video"], found["k audio"])
    assert found["alpha variance"] >= 0


@pytest.mark.slow
def test_it_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = DigitClips.split

    def few(self: DigitClips, name: str, seed: int = 0) -> Samples:
        return whole(self, name, 0).chosen(torch.arange(32))

    monkeypatch.setattr(DigitClips, "split", few)
    monkeypatch.setattr(training, "BATCH", 8)
    log = fit(taaf.training(replace(SMALL, width=4), seed=0, epochs=16), 0).log
    assert log[15]["loss"]["balanced"] < log[0]["loss"]["balanced"] - 0.5
    assert {"accuracy", "video", "audio", "k video", "k audio", "alpha variance"} <= set(log[0]["dev"])
