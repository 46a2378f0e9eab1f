"""Captions are true, different, short enough, and their words carry position."""

from __future__ import annotations

import itertools

import numpy as np

from models.data import digit_captions
from models.data.digit_captions import NAMES
from models.data.digit_scenes import Digit, draw_scenes

RELATIONS = {
    "left": lambda a, b: a.x < b.x and abs(a.x - b.x) > abs(a.y - b.y),
    "right": lambda a, b: a.x > b.x and abs(a.x - b.x) > abs(a.y - b.y),
    "above": lambda a, b: a.y < b.y and abs(a.x - b.x) <= abs(a.y - b.y),
    "below": lambda a, b: a.y > b.y and abs(a.x - b.x) <= abs(a.y - b.y),
}
ADJECTIVES = {
    "big": lambda digit: digit.size >= 0.26,
    "small": lambda digit: digit.size <= 0.18,
    "upper": lambda digit: digit.y < 0.5,
    "lower": lambda digit: digit.y > 0.5,
}


def _is_true(caption: str, scene: list[Digit]) -> bool:
    """Whether some choice of digits makes every word of the caption true."""
    words = caption.split()
    ends = [i for i, word in enumerate(words) if word in NAMES]
    for chosen in itertools.permutations(scene, len(ends)):
        start, holds = 0, True
        for number, (end, digit) in enumerate(zip(ends, chosen, strict=True)):
            phrase = words[start:end]
            holds &= NAMES[digit.label] == words[end]
            if number:
                holds &= RELATIONS[phrase[0]](chosen[number - 1], digit)
            holds &= all(ADJECTIVES[word](digit) for word in phrase if word in ADJECTIVES)
            start = end + 1
        if holds:
            return True
    return False


def test_captions_are_true_different_and_fit() -> None:
    rng = np.random.default_rng(5)
    for scene in draw_scenes("dev", rng)[:200]:
        captions = digit_captions.draw_captions(scene, rng)
        assert len(set(captions)) == 5
        assert all(len(caption.split()) <= 12 for caption in captions)
        assert all(_is_true(caption, scene) for caption in captions), captions


def test_most_captions_are_false_of_other_scenes() -> None:
    rng = np.random.default_rng(6)
    scenes = draw_scenes("dev", rng)[:60]
    captions = [digit_captions.draw_captions(scene, rng)[0] for scene in scenes]
    others = [_is_true(c, s) for i, c in enumerate(captions) for j, s in enumerate(scenes) if i != j]
    assert sum(others) < 0.02 * len(others)


def test_word_ids_pad_at_the_end() -> None:
    ids = digit_captions.word_ids(["big three above one"])
    words = [digit_captions.VOCABULARY[i] for i in ids[0]]
    assert words == ["big", "three", "above", "one"] + ["[pad]"] * 8


def test_word_features_tell_word_and_position() -> None:
    features = digit_captions.word_features(digit_captions.word_ids(["one one two", "one two one"]))
    assert features.shape == (2, 12, 64)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features[0, 0], features[1, 0])
    assert np.abs(features[0, 0] - features[0, 1]).max() > 0.1
    assert np.abs(features[0, 1] - features[1, 1]).max() > 0.1
