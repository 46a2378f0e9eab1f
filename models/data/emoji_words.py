"""
Words of emoji as numbers: the vocabulary, token ids for a text encoder, counts for a bag of words.

A word is a run of lower-case letters, digits and apostrophes. The vocabulary has what the captions of the training concepts, the
names of all groups and subgroups and the templates say; other words are `UNKNOWN`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.data.emoji_styles import concept_indices, label_set, load_concepts

PAD, UNKNOWN = "[pad]", "[unknown]"
WORDS_PER_TEXT = 20
WORD = re.compile(r"[\w']+")
TEMPLATES = ("{}", "an emoji of {}", "a drawing of {}", "a small picture of {}", "a symbol for {}")
"""A class's texts: its name in each of these."""


def words(text: str) -> list[str]:
    """
    The words of a text.

    >>> words("smiling face with heart-eyes")
    ['smiling', 'face', 'with', 'heart', 'eyes']
    """
    return WORD.findall(text.lower())


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """`PAD`, `UNKNOWN`, then all words in alphabetical order; a word's place is its token id."""
    every = load_concepts()
    texts = [every[int(index)].caption for index in concept_indices("train")]
    texts += [*label_set("groups").names, *label_set("subgroups").names, *TEMPLATES]
    return (PAD, UNKNOWN, *sorted({word for text in texts for word in words(text)}))


@lru_cache(maxsize=1)
def _token_ids() -> dict[str, int]:
    return {word: token for token, word in enumerate(vocabulary())}


def token_ids(texts: Sequence[str]) -> NDArray[np.int64]:
    """(texts, 20) ids of the first 20 words, padded at the end with `PAD` (0)."""
    ids = np.zeros((len(texts), WORDS_PER_TEXT), dtype=np.int64)
    known, unknown = _token_ids(), 1
    for row, text in zip(ids, texts, strict=True):
        tokens = [known.get(word, unknown) for word in words(text)[:WORDS_PER_TEXT]]
        row[: len(tokens)] = tokens
    return ids


def spelled(ids: NDArray[np.int64]) -> list[str]:
    """The words of each row of ids (texts, words), with a space between; padding and unknown words are left out."""
    known = vocabulary()
    rows: list[list[int]] = ids.tolist()
    return [" ".join(known[token] for token in row if token > 1) for row in rows]


def bag_of_words(ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """(texts, 20) ids -> (texts, words of the vocabulary): how often each occurs, padding and unknown words left out."""
    counts = np.zeros((len(ids), len(vocabulary())), dtype=np.float32)
    np.add.at(counts, (np.arange(len(ids))[:, None], ids), 1.0)
    counts[:, :2] = 0.0
    return counts
