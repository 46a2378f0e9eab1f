"""Captions in the order of the images, classes in templates, altered words."""

from __future__ import annotations

import numpy as np
import torch

from models.data.emoji_styles import load_split
from models.data.emoji_words import PAD, TEMPLATES, token_ids, vocabulary
from models.retrieval.emoji_texts import altered, captions, class_texts, text_batches


def test_captions_are_in_the_order_of_the_images() -> None:
    data = load_split("dev")
    assert torch.equal(torch.cat([captions("dev")] * 2), torch.from_numpy(token_ids(data.captions())))


def test_classes_have_a_text_per_template() -> None:
    texts = class_texts("groups")
    assert texts.shape == (8, len(TEMPLATES), 20)
    words = [vocabulary()[int(token)] for token in texts[4, 1] if token]
    assert words[:3] == ["an", "emoji", "of"]


def test_altered_texts_have_some_of_their_words_and_never_none() -> None:
    torch.manual_seed(0)
    own = captions("train")
    other = altered(own)
    assert other.shape == own.shape
    assert ((other != 0).sum(1) >= 1).all()
    assert 0.65 < (other != 0).sum() / (own != 0).sum() < 0.78
    for before, after in zip(own[:50].tolist(), other[:50].tolist(), strict=True):
        assert set(after) <= {*before, 0}
    padding = other == vocabulary().index(PAD)
    assert (padding[:, 1:] >= padding[:, :-1]).all()
    assert not torch.equal(other, altered(own))


def test_text_batches_have_all_kinds_of_texts() -> None:
    assert sum(map(len, text_batches(np.random.default_rng(0), 100))) == 3 * 1100 + 40
