"""The task of emoji by tokens: the same images and texts as SpikeCLIP's, metrics by hard alignment without padding."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from models import cmsf
from models.data.emoji_styles import load_split
from models.retrieval import emoji_task
from models.retrieval.emoji_task import EmojiTask
from models.retrieval.emoji_tokens.features import regions_of, words_of
from models.retrieval.emoji_tokens.task import EmojiTokensTask, example_pairs, regions_and_words

TASK = EmojiTokensTask(cmsf.build("emoji"))


def test_inputs_are_those_of_the_shared_task() -> None:
    shared = EmojiTask()
    pixels, ids = torch.from_numpy(shared.inputs("image")["images"]), torch.from_numpy(shared.inputs("text")["tokens"])
    np.testing.assert_array_equal(TASK.inputs("image")["regions"], regions_of(pixels).features)
    np.testing.assert_array_equal(TASK.inputs("text")["words"], words_of(ids).features)
    assert set(TASK.metric_names) == set(shared.metric_names)


def test_the_fusion_gets_pairs() -> None:
    pairs, words = TASK.inputs("fusion"), torch.from_numpy(TASK.inputs("text")["words"][3:4])
    assert {value.shape for value in pairs.values()} == {(1260, 16, 64)}
    with torch.no_grad():
        np.testing.assert_allclose(pairs["text_emb"][3], TASK.encoders["text"](words).emb[0], atol=1e-5)


def test_right_tokens_find_everything_whatever_stands_in_padding() -> None:
    """Every pair has a direction of its own, every group one that its images have too."""
    rng = np.random.default_rng(0)
    own = rng.standard_normal((1260, 1, 64)).astype(np.float32)
    own /= np.linalg.norm(own, axis=2, keepdims=True)
    groups = np.concatenate([load_split(split).groups for split in ("test-style", "test-concepts")])
    names = np.eye(64, dtype=np.float32)[groups][:, None]
    images = np.repeat((own + names) / np.sqrt(2), 16, axis=1)
    texts = np.repeat(
        np.concatenate((own, np.repeat(np.eye(64, dtype=np.float32)[:8], 5, axis=0)[:, None])), 16, axis=1
    )
    for tokens, real in zip((images, texts), regions_and_words(), strict=True):
        padding = ~real.real.numpy()
        tokens[padding] = np.eye(64, dtype=np.float32)[rng.integers(0, 8, padding.sum())]
    metrics = TASK.metrics({"image": {"emb": images}, "text": {"emb": texts}})
    assert tuple(metrics) == TASK.metric_names
    assert metrics["unseen groups"] == metrics["groups"] == 100.0
    assert metrics["R@Sum"] > 590.0
    examples = TASK.examples({"image": {"emb": images}, "text": {"emb": texts}})
    assert len(examples) == 12
    assert all(example["answers"][:1] == example["expected"] for example in examples)


@pytest.mark.slow
def test_untrained_networks_are_at_chance() -> None:
    assert TASK.measured()["R@Sum"] < 15.0


@pytest.mark.slow
def test_committed_weights_do_what_their_log_says() -> None:
    path, task = cmsf.weights("emoji"), cmsf.task("emoji")
    assert path is not None
    assert isinstance(task, EmojiTokensTask)
    *_, last = path.with_suffix(".jsonl").read_text().splitlines()
    assert task.measured() == pytest.approx(json.loads(last)["test"], abs=0.3)


def test_bad_requests_are_named() -> None:
    with pytest.raises(ValueError, match="no part 'audio'; there are image, text, fusion"):
        TASK.inputs("audio")
    with pytest.raises(ValueError, match="needs the output 'emb' of the text part"):
        TASK.metrics({"image": {"emb": np.zeros((1, 16, 64), np.float32)}})
    with pytest.raises(ValueError, match="2201 samples asked for; there are 1 to 2200"):
        example_pairs(2201, seed=0)


def test_examples_are_training_images_with_their_captions() -> None:
    regions, words = example_pairs(3, seed=1)
    pixels, tokens = emoji_task.example_pairs(3, seed=1)
    assert regions.shape == (3, 16, 72)
    np.testing.assert_array_equal(regions, regions_of(pixels).features)
    np.testing.assert_array_equal(words, words_of(tokens).features)
