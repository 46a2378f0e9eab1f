"""
Captions for digit scenes, from a small grammar, and their word features.

    caption  = noun relation noun [relation noun]
    noun     = [row] [size] digit          row: upper | lower,  size: big | small
    relation = "left of" | "right of" | "above" | "below"

A caption names two or three digits of the scene in any order and relates neighbours in the caption
along the axis on which they are further apart, so that a scene has many true captions, none of them
complete. Word features are a fixed random embedding plus a sinusoidal position code: the published
encoder gets positions from BERT and has none of its own.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.data.digit_scenes import Digit

WORDS_PER_CAPTION = 12
CAPTIONS_PER_SCENE = 5
FEATURES = 64
EMBEDDING_SEED = 20260
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PAD = "[pad]"
VOCABULARY = (PAD, *NAMES, "big", "small", "upper", "lower", "left", "right", "of", "above", "below")


def draw_captions(scene: list[Digit], rng: np.random.Generator) -> list[str]:
    """Five different true captions of `scene`, each at most 12 words."""
    captions: dict[str, None] = {}
    while len(captions) < CAPTIONS_PER_SCENE:
        count = 3 if rng.random() < 0.9 else 2
        chosen = [scene[int(index)] for index in rng.permutation(len(scene))[:count]]
        captions[_caption(chosen, rng)] = None
    return list(captions)


def _caption(digits: list[Digit], rng: np.random.Generator) -> str:
    words = _noun(digits[0], rng)
    for before, digit in pairwise(digits):
        words += _relation(before, digit) + _noun(digit, rng)
    if len(words) > WORDS_PER_CAPTION:
        return _caption(digits, rng)
    return " ".join(words)


def _noun(digit: Digit, rng: np.random.Generator) -> list[str]:
    words: list[str] = []
    if rng.random() < 0.5 and abs(digit.y - 0.5) > 0.15:
        words.append("upper" if digit.y < 0.5 else "lower")
    if rng.random() < 0.8:
        words.append("big" if digit.big else "small")
    return [*words, NAMES[digit.label]]


def _relation(a: Digit, b: Digit) -> list[str]:
    if abs(a.x - b.x) > abs(a.y - b.y):
        return ["left" if a.x < b.x else "right", "of"]
    return ["above" if a.y < b.y else "below"]


def word_ids(captions: list[str]) -> NDArray[np.int64]:
    """(captions, 12) indices into `VOCABULARY`, padded at the end with `PAD`."""
    index = {word: number for number, word in enumerate(VOCABULARY)}
    ids = np.zeros((len(captions), WORDS_PER_CAPTION), dtype=np.int64)
    for row, caption in zip(ids, captions, strict=True):
        words = caption.split()
        row[: len(words)] = [index[word] for word in words]
    return ids


def word_features(ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """(captions, 12) indices -> (captions, 12, 64) features."""
    table = np.random.default_rng(EMBEDDING_SEED).standard_normal((len(VOCABULARY), FEATURES))
    return (table[ids] + _position_code()).astype(np.float32)


def _position_code() -> NDArray[np.float64]:
    """(12, 64) sines and cosines of the word's position, wavelengths 2 to 40 words."""
    wavelength = np.geomspace(2.0, 40.0, FEATURES // 2)
    phase = 2 * np.pi * np.arange(WORDS_PER_CAPTION)[:, None] / wavelength
    return np.concatenate((np.sin(phase), np.cos(phase)), axis=1)
