"""The whole network against its replay; the published sizes: parameters, neurons, operations; samples do not see each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models import snnergy
from models.networks.snnergy.config import FUSIONS, InputSize, SnnergyConfig
from models.networks.snnergy.network import Snnergy
from tests.models.deployed import assert_compiled_is_exact
from tests.models.layers.image_oracle import make_dyadic, oracle_of, random_counts
from tests.models.layers.operations import dense_operations, neurons
from tests.models.networks.snnergy.oracle import SMALL, network

ALPHAS = 4
"""One per direction and block of the first two stages; the published totals leave them out."""


def _dyadic_network(config: SnnergyConfig, seed: int) -> Snnergy:
    net = Snnergy(config).eval()
    make_dyadic(net, seed)
    return net


def _inputs(config: SnnergyConfig, samples: int, seed: int) -> list[torch.Tensor]:
    sizes = (config.video.shape, config.audio.shape)
    return [random_counts((config.T, samples, *size), 4, seed + i) / 4 for i, size in enumerate(sizes)]


ROUNDED = ("causal-mean", "over-tokens")
"""Thirds, and membranes halved once per token, 64 times: no float32 holds them; their own tests have fewer tokens."""


@pytest.mark.parametrize("fusion", [name for name in FUSIONS if name not in ROUNDED])
def test_network_equals_the_oracle(fusion: str) -> None:
    config, ties = replace(SMALL, fusion=fusion), 0
    for seed in range(2):
        net, inputs = _dyadic_network(config, seed), _inputs(config, 2, seed)
        oracle = oracle_of(net)
        expected = network(oracle, *(x.double().numpy() for x in inputs), config)
        with torch.no_grad():
            np.testing.assert_array_equal(net(*inputs).double().numpy(), expected)
        ties += oracle.ties
    assert ties > 100


@pytest.mark.parametrize(
    "change",
    [
        {"pool": "spike"},
        {"sum_neuron": True},
        {"depths": (1, 2, 1)},
        {"T": 1},
        {"audio": InputSize(1, 32, 32)},
    ],
)
def test_variants_equal_the_oracle(change: dict[str, object]) -> None:
    config = replace(SMALL, **change)  # pyright: ignore[reportArgumentType]
    net, inputs = _dyadic_network(config, 1), _inputs(config, 2, 5)
    expected = network(oracle_of(net), *(x.double().numpy() for x in inputs), config)
    with torch.no_grad():
        np.testing.assert_array_equal(net(*inputs).double().numpy(), expected)


SPIKES_POOLED = replace(SMALL, pool="spike")
"""Means in the stream are fractions too fine for sums that a pool of currents compares."""
COMPILED = {
    **{name: replace(SMALL, fusion=name) for name in ("gate", "spikefuse", "temporal", "token", "channel")},
    **{name: replace(SPIKES_POOLED, fusion=name) for name in ("cmqka", "spatial")},
    "causal-mean": replace(SPIKES_POOLED, fusion="causal-mean", T=2),
    "s-cmrl": replace(SPIKES_POOLED, fusion="s-cmrl", width=16),
    "sum neuron": replace(SMALL, fusion="gate", sum_neuron=True),
    "masks are ORs": replace(SPIKES_POOLED, mask_threshold=0.5),
}


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("variant", COMPILED)
def test_compiled_dyadic_network_is_exact(variant: str) -> None:
    config = COMPILED[variant]
    video, audio = _inputs(config, 3, 6)
    assert_compiled_is_exact(_dyadic_network(config, 6), {"video": video, "audio": audio})


@pytest.mark.parametrize("fusion", FUSIONS)
def test_samples_do_not_see_each_other(fusion: str) -> None:
    """One by one, each after another sample, gives the same bits as all in one batch."""
    config = replace(SMALL, fusion=fusion)
    net, (video, audio) = _dyadic_network(config, 2), _inputs(config, 4, 7)
    with torch.no_grad():
        together = net(video, audio)
        for sample in (2, 0, 3, 1):
            alone = net(video[:, sample : sample + 1], audio[:, sample : sample + 1])
            assert torch.equal(alone[0], together[sample])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_parameter_learns(fusion: str) -> None:
    config = replace(SMALL, fusion=fusion)
    torch.manual_seed(0)
    net, inputs = Snnergy(config).train(), _inputs(config, 4, 3)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm1d):
            norm.bias.data += 2.0  # so that products reach the attentions' thresholds at this width
    torch.nn.functional.cross_entropy(net(*inputs), torch.tensor([0, 1, 2, 0])).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert all(p.grad is not None and p.grad.any() for name, p in net.named_parameters() if name.endswith("alpha"))


def published(width: int, depths: tuple[int, int, int] = (1, 1, 1)) -> tuple[Snnergy, dict[str, torch.Tensor]]:
    """A network of published size without numbers, and inputs for it."""
    config = replace(snnergy.CONFIGS["published-192"], width=width, depths=depths)
    with torch.device("meta"):
        net = Snnergy(config).eval()
    inputs = {
        "video": torch.empty(config.T, 1, *config.video.shape, device="meta"),
        "audio": torch.empty(config.T, 1, *config.audio.shape, device="meta"),
    }
    return net, inputs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "depths", "parameters", "lif"),
    [
        (96, (1, 1, 1), 10_110_150, 4_612_096),
        (192, (1, 1, 1), 40_348_038, 9_183_232),
        (96, (1, 2, 1), 11_003_718, 5_505_024),
        (192, (1, 2, 1), 43_904_646, 10_960_896),
    ],
)
def test_published_parameters_and_neurons(width: int, depths: tuple[int, int, int], parameters: int, lif: int) -> None:
    net, inputs = published(width, depths)
    alphas = [name for name, _ in net.named_parameters() if name.endswith("alpha")]
    assert len(alphas) == 2 * (depths[0] + depths[1])
    assert sum(p.numel() for p in net.parameters()) == parameters + len(alphas)
    assert sum(neurons(net, inputs).values()) == lif


def populations(path: str) -> int:
    """How many spike populations a layer reads: what residual sums duplicate."""
    if ".mlp.mlp1_conv" in path:
        return 3
    if ".tssa." in path or ".ssa." in path:
        return 1 if ".proj_conv" in path else 2
    return 4 if ".proj3_conv" in path or ("patch_embed1" not in path and ".proj_res_conv" in path) else 1


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dense", "unrolled"), [(96, 2.175e9, 4_805_210_880), (192, 8.630e9, 19_151_046_144)])
def test_published_operations(width: int, dense: float, unrolled: int) -> None:
    """Dense: every layer's synapses, one population each. Unrolled: residual sums as duplicates."""
    net, inputs = published(width)
    layers = dense_operations(net, inputs)
    layers.pop("head")
    stages = ((width, 1024), (2 * width, 256))
    masks = 2 * sum(2 * tokens * channels for channels, tokens in stages)
    attention = 2 * 2 * 64 * 64 * 4 * width
    assert sum(layers.values()) + masks + attention == pytest.approx(dense, rel=5e-4)
    assert sum(n * populations(path) for path, n in layers.items()) + masks + attention == unrolled
