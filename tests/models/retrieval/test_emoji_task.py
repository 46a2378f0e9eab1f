"""The task: whole test set in order, metrics of features that are right, wrong or without meaning."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.data.emoji_styles import load_concepts, load_split
from models.data.emoji_words import token_ids
from models.retrieval.emoji_task import EmojiTask, example_pairs
from models.retrieval.emoji_texts import captions

TASK = EmojiTask()


def test_inputs_are_the_whole_test_set() -> None:
    images, tokens = TASK.inputs("image")["images"], TASK.inputs("text")["tokens"]
    assert images.shape == (1260, 3, 32, 32)
    assert tokens.shape == (1300, 20)
    np.testing.assert_array_equal(images[1100:], load_split("test-concepts").pixels())
    np.testing.assert_array_equal(tokens[1100:1260], captions("test-concepts").numpy())
    with pytest.raises(ValueError, match="no part 'fusion'; there are image, text"):
        TASK.inputs("fusion")


def test_features_of_pairs_that_are_equal_find_everything() -> None:
    features = np.random.default_rng(0).standard_normal((1260, 16), dtype=np.float32)
    groups = np.concatenate([load_split(split).groups for split in ("test-style", "test-concepts")])
    features[:, :8] = 30.0 * np.eye(8, dtype=np.float32)[groups]
    names = np.repeat(np.eye(8, 16, dtype=np.float32), 5, axis=0)
    outputs = {"image": {"y": features}, "text": {"y": np.concatenate((2 * features, names))}}
    metrics = TASK.metrics(outputs)
    assert tuple(metrics) == TASK.metric_names
    assert metrics["R@Sum"] == 600.0
    assert metrics["groups"] == metrics["unseen groups"] == metrics["unseen i2t R@1"] == 100.0


def test_examples_are_drawings_with_the_captions_of_their_split_that_are_found() -> None:
    """Features of one direction per pair, but the first drawing's is that of the second, the last one's that of one in the other split."""
    features = np.random.default_rng(0).standard_normal((1260, 16), dtype=np.float32)
    texts = np.concatenate((features, np.zeros((40, 16), np.float32)))
    images, every = features.copy(), load_concepts()
    images[52], images[1207] = features[157], features[3]
    examples = TASK.examples({"image": {"y": images}, "text": {"y": texts}})
    style, concepts = (load_split(split) for split in ("test-style", "test-concepts"))
    assert [example["sample"] for example in examples] == [
        *(f"drawing {row} of test-style" for row in (52, 157, 262, 367, 472, 577, 682, 787, 892, 997)),
        *(f"drawing {row} of test-concepts" for row in (2, 107)),
    ]
    assert [example["expected"] for example in examples[::11]] == [
        [every[style.concepts[52]].name],
        [every[concepts.concepts[107]].name],
    ]
    assert examples[0]["answers"][0] == every[style.concepts[157]].name
    assert all(example["answers"][:1] == example["expected"] for example in examples[1:-1])
    unseen = {every[index].name for index in concepts.concepts}
    assert unseen.issuperset(examples[-1]["answers"])
    assert len(set(examples[-1]["answers"])) == 3
    np.testing.assert_array_equal(examples[10]["image"], concepts.images[2])


def test_features_without_meaning_find_nothing() -> None:
    zeros = {"image": {"y": np.zeros((1260, 4), np.float32)}, "text": {"y": np.zeros((1300, 4), np.float32)}}
    metrics = TASK.metrics(zeros)
    assert metrics["R@Sum"] == 0.0
    assert metrics["groups"] < 25.0
    assert not any(set(example["answers"]) & set(example["expected"]) for example in TASK.examples(zeros))


def test_examples_are_training_images_with_their_captions() -> None:
    images, tokens = example_pairs(1, seed=1)
    train, row = load_split("train"), int(np.random.default_rng(1).permutation(2200)[0])
    assert torch.equal(images[0], torch.from_numpy(train.pixels()[row]))
    assert torch.equal(tokens[0], torch.from_numpy(token_ids(train.captions()[row : row + 1]))[0])
    assert not torch.equal(images, example_pairs(1, seed=2)[0])
    with pytest.raises(ValueError, match="2201 samples asked for; there are 1 to 2200"):
        example_pairs(2201, seed=0)
