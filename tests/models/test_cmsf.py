"""The model file's contract: configurations, deterministic parts, examples, weights, errors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models import cmsf
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import firing_rates

OUTPUTS = {
    "image": ("emb", "res", "early"),
    "text": ("emb", "res", "early"),
    "fusion": ("image_fused", "text_fused"),
}
TRAINED = [name for name in cmsf.CONFIGS if name != "paper"]


@pytest.fixture(scope="module")
def paper() -> dict[str, nn.Module]:
    return cmsf.build("paper")


def _count(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())


def test_paper_is_the_published_size() -> None:
    expected = CmsfConfig(N=36, L=36, D=1024, F=4096, region_features=2048, word_features=768, heads=8, combs=6)
    assert cmsf.CONFIGS["paper"] == expected
    assert (expected.T, expected.depth, expected.fusion, expected.gate) == (2, 1, "scca", "analog")
    assert expected.generator == "repeat-ln"
    assert expected.interleave


@pytest.mark.slow
def test_paper_has_the_published_parameter_counts(paper: dict[str, nn.Module]) -> None:
    assert _count(paper["image"]) == 18_909_186
    assert _count(paper["text"]) == 17_598_466
    fusion = paper["fusion"]
    coders = _count(fusion.get_submodule("spike_coder1")) + _count(fusion.get_submodule("spike_coder2"))
    for direction in ("block_i", "block_t"):
        assert coders + _count(fusion.get_submodule(direction)) == 15_761_408


def test_paper_fires_at_ten_to_twenty_percent(paper: dict[str, nn.Module]) -> None:
    inputs = cmsf.example("paper", samples=2, seed=5)
    for name, part in paper.items():
        for path, rate in firing_rates(part, inputs[name]).items():
            low = 0.09 if "spike_coder" in path else 0.10
            assert low <= rate <= 0.20, (name, path, rate)


@pytest.mark.parametrize("config", TRAINED)
def test_build_is_the_same_every_time_and_leaves_the_seed_alone(config: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, second = cmsf.build(config), cmsf.build(config)
    assert torch.equal(torch.rand(4), expected)
    for name, part in first.items():
        other = second[name].state_dict()
        assert not part.training
        assert all(torch.equal(value, other[key]) for key, value in part.state_dict().items())


@pytest.mark.parametrize("config", TRAINED)
def test_parts_take_the_example_by_name(config: str) -> None:
    parts, inputs = cmsf.build(config), cmsf.example(config, samples=3, seed=1)
    size = cmsf.CONFIGS[config]
    assert parts.keys() == inputs.keys() == OUTPUTS.keys()
    for name, part in parts.items():
        assert set(inputs[name]) <= set(cmsf.STATIC_INPUTS)
        with torch.no_grad():
            outputs = part(**inputs[name])
        assert outputs._fields == OUTPUTS[name]
        assert all(output.shape == (3, size.N, size.D) for output in outputs)


def test_example_is_seeded_and_checked() -> None:
    first, second = cmsf.example("digits", 2, seed=4), cmsf.example("digits", 2, seed=4)
    other = cmsf.example("digits", 2, seed=5)
    assert torch.equal(first["fusion"]["text_emb"], second["fusion"]["text_emb"])
    assert not torch.equal(first["image"]["regions"], other["image"]["regions"])
    with pytest.raises(ValueError, match="501 samples asked for; there are 1 to 500"):
        cmsf.example("digits", 501, seed=0)
    with pytest.raises(ValueError, match="0 samples"):
        cmsf.example("digits", 0, seed=0)


@pytest.mark.parametrize("config", TRAINED)
def test_trained_weights_come_with_the_repository(config: str) -> None:
    path = cmsf.weights(config)
    assert path is not None
    assert path.stat().st_size < 2_000_000
    assert path.with_suffix(".jsonl").is_file()


def test_paper_has_no_trained_weights_and_no_task() -> None:
    assert cmsf.weights("paper") is None
    assert cmsf.task("paper") is None


@pytest.mark.parametrize("use", [cmsf.build, cmsf.weights, cmsf.task])
def test_unknown_configuration_is_named(use: object) -> None:
    assert callable(use)
    with pytest.raises(
        ValueError, match="no configuration 'huge' of CMSF; there are digits, digits-spike, emoji, paper"
    ):
        use("huge")
