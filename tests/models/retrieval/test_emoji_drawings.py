"""What is learned from and what is held out; and what the metrics say of features that are known."""

from __future__ import annotations

import numpy as np
import torch

from models.data.emoji_styles import load_split
from models.retrieval.emoji_drawings import dev_metrics, held_out, image_batches
from models.retrieval.emoji_texts import captions


def test_drawings_held_out_are_of_different_concepts_in_both_styles() -> None:
    rows = held_out()
    assert len(set((rows % 1100).tolist())) == len(rows) == 100
    assert (rows < 1100).sum() == 50


def test_a_batch_shows_a_concept_once() -> None:
    batches = image_batches(np.random.default_rng(0), 50)
    assert all(len(set((batch % 1100).tolist())) == len(batch) == 50 for batch in batches)
    assert len(set(torch.cat(batches).tolist())) == 2100
    assert not {*torch.cat(batches).tolist()} & {*held_out().tolist()}


def test_an_encoder_that_knows_every_image_finds_all_but_what_shares_its_words() -> None:
    """An image's features are its caption's token ids in an order of their own, a text's are the same."""
    known = {
        tuple(pixels.flatten()[::37].tolist()): text
        for split in ("train", "dev")
        for pixels, text in zip(load_split(split).pixels(), captions(split).repeat(2, 1), strict=True)
    }
    directions = torch.randn(3072, 256, generator=torch.Generator().manual_seed(0))

    def read(tokens: torch.Tensor) -> torch.Tensor:
        return directions[tokens].sum(dim=1)

    def see(images: torch.Tensor) -> torch.Tensor:
        return read(torch.stack([known[tuple(image.flatten()[::37].tolist())] for image in images]))

    metrics = dev_metrics(see, read)
    assert metrics["R@1"] == metrics["unseen R@1"] == metrics["unseen R@10"] == 100.0
    assert metrics["mean"] == (100.0 + metrics["groups"]) / 2
