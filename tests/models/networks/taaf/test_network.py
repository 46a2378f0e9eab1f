"""The whole network against its replay, published sizes, evidence for the losses; samples do not see each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models import taaf
from models.networks.taaf.config import BranchSize, TaafConfig
from models.networks.taaf.losses import attention_guided_loss, balanced_loss, contribution_ratios, suppression
from models.networks.taaf.network import Taaf
from models.networks.taaf.resnet import SewBlock
from tests.models.deployed import assert_compiled_is_exact
from tests.models.layers.image_oracle import make_dyadic, oracle_of, random_counts
from tests.models.layers.operations import dense_operations, neurons
from tests.models.networks.taaf.oracle import SMALL, features, importance, step_scores


def _dyadic_network(config: TaafConfig, seed: int) -> Taaf:
    net = Taaf(config).eval()
    make_dyadic(net, seed)
    return net


def _inputs(config: TaafConfig, samples: int, seed: int) -> list[torch.Tensor]:
    return [
        random_counts((size.steps, samples, *size.shape), 4, seed + i) / 2
        for i, size in enumerate((config.video, config.audio))
    ]


@pytest.mark.parametrize("fusion", ["concat", "sum"])
def test_scores_equal_the_oracle(fusion: str) -> None:
    config = replace(SMALL, fusion=fusion)
    for seed in range(2):
        net, inputs = _dyadic_network(config, seed), _inputs(config, 3, seed)
        oracle = oracle_of(net)
        steps = step_scores(oracle, *(x.double().numpy() for x in inputs), config)
        with torch.no_grad():
            np.testing.assert_array_equal(net(*inputs).double().numpy(), steps.mean(axis=0))
            np.testing.assert_array_equal(net.evidence(*inputs).fused.double().numpy(), steps)
        assert oracle.ties > 20
        assert np.ptp(steps, axis=1).any()


def test_scores_weighted_by_importance() -> None:
    config = replace(SMALL, alpha_inference=True)
    net, inputs = _dyadic_network(config, 0), _inputs(config, 3, 0)
    oracle, arrays = oracle_of(net), [x.double().numpy() for x in inputs]
    alpha = importance(oracle, "fused_importance", np.concatenate(features(oracle, *arrays, config), axis=2))
    expected = (alpha[..., None] * step_scores(oracle, *arrays, config)).sum(axis=0)
    with torch.no_grad():
        np.testing.assert_allclose(net(*inputs).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_evidence_of_each_modality() -> None:
    net, inputs = _dyadic_network(SMALL, 1), _inputs(SMALL, 3, 1)
    oracle = oracle_of(net)
    seen, heard = features(oracle, *(x.double().numpy() for x in inputs), SMALL)
    weight, bias = oracle.state["classifier.weight"], oracle.state["classifier.bias"]
    with torch.no_grad():
        evidence = net.evidence(*inputs)
    width = SMALL.features
    np.testing.assert_array_equal(evidence.video.double().numpy(), seen @ weight[:, :width].T + bias / 2)
    np.testing.assert_array_equal(evidence.audio.double().numpy(), heard @ weight[:, width:].T + bias / 2)
    torch.testing.assert_close(evidence.video + evidence.audio, evidence.fused)
    np.testing.assert_allclose(
        evidence.audio_importance.numpy(), importance(oracle, "audio_importance", heard), rtol=1e-4
    )
    assert all(alpha.shape == (SMALL.T, 3) for alpha in evidence[3:])


def test_unimodal_scores_add_up_in_both_fusions() -> None:
    config = replace(SMALL, fusion="sum")
    net, inputs = _dyadic_network(config, 1), _inputs(config, 3, 1)
    with torch.no_grad():
        evidence = net.evidence(*inputs)
    torch.testing.assert_close(evidence.video + evidence.audio, evidence.fused)


def test_samples_do_not_see_each_other() -> None:
    """One by one, each after another sample, gives the same bits as all in one batch."""
    net, (video, audio) = _dyadic_network(SMALL, 2), _inputs(SMALL, 4, 7)
    with torch.no_grad():
        together = net(video, audio)
        for sample in (2, 0, 3, 1):
            assert torch.equal(net(video[:, sample : sample + 1], audio[:, sample : sample + 1])[0], together[sample])


COMPILED = {
    "one rate": (replace(SMALL, audio=BranchSize(4, 1, 32, 8)), [4]),
    "two rates": (SMALL, [4, 8]),
    "aligned at eight, added": (replace(SMALL, T=8, fusion="sum"), [4, 8]),
    "aligned at two, weighted by importance": (replace(SMALL, T=2, alpha_inference=True), [4, 8]),
}
"""Configuration, and the numbers of steps of the phases: each branch is in a window of its own."""


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("variant", COMPILED)
def test_compiled_dyadic_network_is_exact(variant: str) -> None:
    config, windows = COMPILED[variant]
    video, audio = _inputs(config, 2, 0)
    rtol = 1e-4 if config.alpha_inference else 0.0  # a softmax is rounded
    program = assert_compiled_is_exact(_dyadic_network(config, 0), {"video": video, "audio": audio}, rtol)
    assert [phase.deployment.chip.steps for phase in program.phases] == windows


@pytest.mark.parametrize("fusion", ["concat", "sum"])
def test_every_parameter_learns(fusion: str) -> None:
    torch.manual_seed(0)
    config, labels = replace(SMALL, fusion=fusion), torch.tensor([0, 1, 2, 0])
    net, inputs = Taaf(config).train(), _inputs(config, 4, 3)
    evidence = net.evidence(*inputs)
    losses = [
        attention_guided_loss(scores, alpha, labels, guidance=0.5)
        for scores, alpha in zip(evidence[:3], evidence[3:], strict=True)
    ]
    factors = [suppression(ratio, 0.1) for ratio in contribution_ratios(evidence.video, evidence.audio, labels)]
    balanced_loss((losses[1], losses[2]), (factors[0], factors[1]), losses[0], unimodal_weight=1.0).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert all(p.grad is not None and p.grad.any() for name, p in net.named_parameters() if "importance" in name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pixels", "lif", "shortcuts", "operations"),
    [(224, 2_308_096, 175_616, (1_679_878_912, 1_602_402_560)), (64, 188_416, 14_336, (112_974_592, 106_891_520))],
)
def test_published_sizes(pixels: int, lif: int, shortcuts: int, operations: tuple[int, int]) -> None:
    config = replace(
        taaf.CONFIGS["published"], video=BranchSize(4, 3, pixels, pixels), audio=BranchSize(4, 1, pixels, pixels)
    )
    with torch.device("meta"):
        net = Taaf(config).eval()
    inputs = {
        "video": torch.empty(4, 1, *config.video.shape, device="meta"),
        "audio": torch.empty(4, 1, *config.audio.shape, device="meta"),
    }
    counts, synapses = neurons(net, inputs), dense_operations(net, inputs)
    for name, total in zip(("video", "audio"), operations, strict=True):
        own = {path: n for path, n in counts.items() if path.startswith(f"{name}.")}
        assert sum(n for path, n in own.items() if ".downsample." in path) == shortcuts
        assert sum(own.values()) == lif + shortcuts
        assert sum(n for path, n in synapses.items() if path.startswith(f"{name}.")) == total


def test_published_parameters() -> None:
    with torch.device("meta"):
        net = Taaf(taaf.CONFIGS["published"])
    expected = {"video": 11_176_512, "audio": 11_170_240, "classifier": 6 * (1024 + 1)}
    for name, count in expected.items():
        assert sum(p.numel() for p in net.get_submodule(name).parameters()) == count


def test_branches_have_eight_residual_blocks() -> None:
    with torch.device("meta"):
        net = Taaf(taaf.CONFIGS["av-digits"])
    for branch in (net.video, net.audio):
        assert sum(isinstance(module, SewBlock) for module in branch.modules()) == 8
