"""CMSF's parts from a configuration: initialisation, random features, firing rates; samples do not see each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models import cmsf
from models.networks.cmsf.parts import (
    TARGET_RATE,
    firing_rates,
    fusion_inputs,
    initial_parts,
    random_features,
    set_firing_rates,
)
from tests.models.networks.cmsf.oracle import SMALL, balanced, identity_projection, make_dyadic


def test_samples_do_not_see_each_other() -> None:
    """One by one, each after another sample, gives the same bits as all in one batch."""
    parts = initial_parts(SMALL, seed=0)
    features = balanced((5, 6, 8), seed=9)
    inputs: dict[str, dict[str, torch.Tensor]] = {
        "image": {"regions": features},
        "text": {"words": features},
        "fusion": {
            "image_emb": features,
            "text_emb": features.flip(0),
            "image_early": features,
            "text_early": -features,
        },
    }
    for name, part in parts.items():
        make_dyadic(part, 5)
        for linear in ("linear", "bert_linear"):
            if hasattr(part, linear):
                identity_projection(part, linear)
        with torch.no_grad():
            batch = part(**inputs[name])
            for i in (3, 0, 4, 1, 2):
                alone = part(**{key: value[i : i + 1] for key, value in inputs[name].items()})
                for one, whole in zip(alone, batch, strict=True):
                    assert torch.equal(one[0], whole[i])


def test_without_fusion_there_is_no_fusion_part() -> None:
    parts = initial_parts(replace(cmsf.CONFIGS["digits"], fusion="none"), seed=0)
    assert parts.keys() == {"image", "text"}


def test_the_fusion_gets_what_the_encoders_make_of_pairs() -> None:
    parts, features = cmsf.build("digits"), random_features(cmsf.CONFIGS["digits"], samples=3, seed=1)
    pairs = fusion_inputs(parts, features["image"]["regions"], features["text"]["words"])
    assert pairs.keys() == features["fusion"].keys()
    with torch.no_grad():
        image, text = parts["image"](**features["image"]), parts["text"](**features["text"])
        assert torch.equal(pairs["image_emb"], image.emb)
        assert torch.equal(pairs["text_early"], text.early)
        parts["fusion"](**pairs)


def test_published_initialisation() -> None:
    image = initial_parts(cmsf.CONFIGS["digits"], seed=0)["image"]
    state = image.state_dict()
    assert state["block.0.attn.q_linear.weight"].std().item() == pytest.approx(0.02, rel=0.05)
    assert state["block.0.attn.q_linear.bias"].abs().max() == 0
    assert state["weights_tensor"].flatten().tolist() == pytest.approx([2.3026, 1.9])


def test_random_weights_fire_at_the_target_rate() -> None:
    config = cmsf.CONFIGS["digits"]
    features = random_features(config, samples=32, seed=1)
    for name, part in initial_parts(config, seed=0).items():
        set_firing_rates(part, features[name])
        normed = {
            path: rate for path, rate in firing_rates(part, features[name]).items() if "attn.attn_lif" not in path
        }
        assert len(normed) > 3
        for path, rate in normed.items():
            assert 0.5 * TARGET_RATE < rate < 2 * TARGET_RATE, (name, path, rate)
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in part.modules())


def test_random_features_are_seeded_and_distributed_like_real_ones() -> None:
    first, again, other = (random_features(SMALL, samples=50, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first["image"]["regions"], again["image"]["regions"])
    assert not torch.equal(first["image"]["regions"], other["image"]["regions"])
    assert first["image"]["regions"].shape == (50, SMALL.N, SMALL.region_features)
    assert first["image"]["regions"].min() == 0
    assert first["text"]["words"].min() < 0
    for value in first["fusion"].values():
        lengths = value.norm(dim=-1)
        assert torch.allclose(lengths[lengths > 0], torch.ones(1), atol=1e-5)
    assert first["fusion"]["image_emb"].min() == 0
