"""CMSF's training on pairs: which terms there are, what they teach, the schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models import cmsf
from models.retrieval.cmsf_training import PairBatch, PairData, cmsf_training
from models.retrieval.similarity import Real

CONFIG = cmsf.CONFIGS["digits"]


def _pairs(real: Real | None = None) -> PairBatch:
    rng = torch.Generator().manual_seed(0)
    return PairBatch(torch.randn(6, 12, 72, generator=rng), torch.randn(6, 12, 64, generator=rng), real)


def _metrics(parts: Mapping[str, nn.Module], split: str) -> dict[str, float]:
    return {"R@Sum": float(len(parts)), "dev": float(split == "dev")}


DATA = PairData(lambda rng: [_pairs()], _metrics, epochs=24, patience=12, batch=6)


@pytest.mark.parametrize("detached", [False, True])
def test_soft_labels_may_carry_gradients(detached: bool) -> None:
    training = cmsf_training(replace(CONFIG, detach_labels=detached), DATA, seed=0)
    training.parts["fusion"].train()  # in eval mode SpikingJelly's neurons have no gradients
    terms = training.stages[0].losses(_pairs())
    assert len(terms) == 7
    terms["image-fused_text"].backward()
    weight = dict(training.parts["fusion"].named_parameters())["block_t.0.attn.q_linear.weight"]
    assert (weight.grad is None or not weight.grad.any()) == detached


def test_padding_is_left_out() -> None:
    training = cmsf_training(CONFIG, DATA, seed=0)
    for part in training.parts.values():
        part.train()
    masks = Real(torch.ones(6, 12, dtype=torch.bool), torch.ones(6, 12, dtype=torch.bool))
    full = training.stages[0].losses(_pairs(masks))
    masks.regions[:, 8:] = False
    masks.words[:3, 5:] = False
    masked = training.stages[0].losses(_pairs(masks))
    across = ("final", "early", "fused", "image-fused_text", "fused_image-text")
    assert all(full[name] != masked[name] for name in across)
    published = training.stages[0].losses(_pairs())
    assert all(torch.equal(full[name], published[name]) for name in full)


def test_learning_rate_falls_at_half_and_at_four_fifths() -> None:
    stage = cmsf_training(replace(CONFIG, fusion="none"), DATA, seed=0, epochs=10).stages[0]
    assert [stage.rate(done) for done in (0, 4, 5, 7, 8, 9)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_data_decides_on_dev() -> None:
    training = cmsf_training(CONFIG, DATA, seed=0)
    assert (training.stages[0].epochs, training.stages[0].patience) == (24, 12)
    assert training.stages[0].dev() == {"R@Sum": 3.0, "dev": 1.0}
    assert training.test() == {"R@Sum": 3.0, "dev": 0.0}
    assert len(training.stages[0].batches(np.random.default_rng(0))) == 1
