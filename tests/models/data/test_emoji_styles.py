"""The committed drawings and names, and how they are split."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.emoji_styles import (
    LABEL_SETS,
    STYLES,
    concept_indices,
    group_names,
    label_set,
    load_concepts,
    load_split,
)


def test_1340_concepts_have_names_of_their_own_and_8_groups():
    concepts = load_concepts()
    assert len(concepts) == 1340
    assert len({concept.name for concept in concepts}) == len({concept.code for concept in concepts}) == 1340
    assert len(group_names()) == 8
    assert len({concept.subgroup for concept in concepts}) == 92
    cat = next(concept for concept in concepts if concept.code == "1f408")
    assert (cat.name, cat.group, cat.subgroup) == ("cat", "Animals & Nature", "animal-mammal")
    assert cat.caption.startswith("cat ")
    assert "pet" in cat.keywords


@pytest.mark.parametrize(
    ("split", "concepts", "styles"),
    [("train", 1100, 2), ("dev", 80, 2), ("test-style", 1100, 1), ("test-concepts", 160, 1)],
)
def test_sizes(split: str, concepts: int, styles: int):
    data = load_split(split)
    count = concepts * styles
    assert data.images.shape == (count, 32, 32, 3)
    assert data.images.dtype == np.uint8
    assert data.concepts.shape == data.groups.shape == (count,)
    assert len(data.styles) == len(data.captions()) == count
    assert not data.images.flags.writeable
    pixels = data.pixels()
    assert pixels.shape == (count, 3, 32, 32)
    assert pixels.max() == 1.0
    assert pixels[5, 2, 7, 9] == data.images[5, 7, 9, 2] / np.float32(255)


def test_no_style_and_no_unseen_concept_is_trained_with():
    train = set(concept_indices("train").tolist())
    assert not set(STYLES["train"]) & set(STYLES["test-style"])
    assert train == set(concept_indices("test-style").tolist())
    rest = [set(concept_indices(split).tolist()) for split in ("dev", "test-concepts")]
    assert not train & (rest[0] | rest[1])
    assert not rest[0] & rest[1]
    assert len(train | rest[0] | rest[1]) == 1340


def test_styles_follow_one_another_and_differ():
    data = load_split("dev")
    assert data.styles == ("twitter",) * 80 + ("google",) * 80
    np.testing.assert_array_equal(data.concepts[:80], data.concepts[80:])
    assert (data.images[:80] != data.images[80:]).any(axis=(1, 2, 3)).all()


def test_styles_show_the_same_concepts():
    """Nearest neighbours in pixels across styles are right hundreds of times as often as by chance (1 in 1,100)."""
    train, test = load_split("train"), load_split("test-style")
    a, b = (x.reshape(len(x), -1) for x in (test.pixels()[:200], train.pixels()[:1100]))
    nearest = ((b**2).sum(axis=1) - 2 * a @ b.T).argmin(axis=1)
    assert (train.concepts[nearest] == test.concepts[:200]).mean() > 0.25


def test_label_sets():
    sizes = {name: len(label_set(name).names) for name in LABEL_SETS}
    assert sizes == {"groups": 8, "subgroups": 92, "seen": 1100, "expanded": 1340, "unseen": 160}
    concepts = load_concepts()
    for split, name in (("test-style", "seen"), ("test-style", "expanded"), ("test-concepts", "unseen")):
        labels = label_set(name)
        shown = load_split(split).concepts
        assert [labels.names[k] for k in labels.of_concept[shown]] == [concepts[k].name for k in shown]
    assert (label_set("unseen").of_concept[concept_indices("train")] == -1).all()
    data = load_split("test-style")
    assert [group_names()[k] for k in data.groups[:50]] == [concepts[k].group for k in data.concepts[:50]]


def test_unknown_names_are_named():
    with pytest.raises(ValueError, match="no split 'test'; there are train, dev, test-style, test-concepts"):
        load_split("test")
    with pytest.raises(ValueError, match="no label set 'all'; there are groups, subgroups"):
        label_set("all")
