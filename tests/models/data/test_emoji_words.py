"""Words to numbers."""

from __future__ import annotations

import numpy as np

from models.data.emoji_styles import label_set, load_split
from models.data.emoji_words import PAD, TEMPLATES, UNKNOWN, bag_of_words, spelled, token_ids, vocabulary, words


def test_vocabulary_is_that_of_training():
    known = vocabulary()
    assert known[:2] == (PAD, UNKNOWN)
    assert list(known[2:]) == sorted(set(known[2:]))
    assert (token_ids(load_split("train").captions()) != 1).all()
    assert (
        token_ids([template.format(name) for template in TEMPLATES for name in label_set("groups").names]) != 1
    ).all()
    unseen = token_ids(load_split("test-concepts").captions())
    assert 0.1 < (unseen == 1).sum() / (unseen > 0).sum() < 0.5


def test_ids_are_the_words_in_order():
    ids = token_ids(["red apple", "", "a drawing of qwertz", " ".join(["sun"] * 30)])
    assert ids.shape == (4, 20)
    assert [vocabulary()[k] for k in ids[0, :3]] == ["red", "apple", PAD]
    assert (ids[1] == 0).all()
    assert ids[2, 3] == 1
    assert (ids[3] == ids[3, 0]).all()
    assert ids[3, 0] > 1


def test_ids_spell_their_words():
    assert spelled(token_ids(["Red apple!", "", "a drawing of qwertz"])) == ["red apple", "", "a drawing of"]


def test_bag_counts_words():
    bag = bag_of_words(token_ids(["sun red sun qwertz", ""]))
    known = vocabulary()
    assert bag.shape == (2, len(known))
    assert {known[k]: int(bag[0, k]) for k in np.flatnonzero(bag[0])} == {"red": 1, "sun": 2}
    assert not bag[1].any()


def test_words_of_marks_and_accents():
    assert words("Piñata: 1st-place, ox's!") == ["piñata", "1st", "place", "ox's"]
    assert words("...") == []
