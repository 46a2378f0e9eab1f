"""Which emoji stay, on a few made-up entries of the packages."""

from __future__ import annotations

from typing import Any

import pytest

from models.data.make.emoji_concepts import DrawnConcept, annotated_names, concepts


def entry(unified: str, category: str = "Objects", subcategory: str = "tool", drawn: bool = True) -> dict[str, Any]:
    image = f"{unified.lower()}.png"
    return {
        "unified": unified,
        "category": category,
        "subcategory": subcategory,
        "image": image,
        "has_img_twitter": True,
        "has_img_google": drawn,
    }


ICONS = {"1f528": "hammer", "2764": "red-heart", "1f9d1-200d-1f527": "mechanic", "1f408-200d-2b1b": "black-cat"}
NAMES = annotated_names(
    {"🔨": {"tts": ["old"]}, "🧑‍🔧": {"tts": ["mechanic"]}},
    {
        "🔨": {"tts": ["hammer"], "default": ["tool", "nail"]},
        "❤": {"tts": ["red heart"]},
        "🐈‍⬛": {"tts": ["black cat"]},
    },
)


def kept(*entries: dict[str, Any]) -> list[DrawnConcept]:
    return list(concepts(entries, NAMES, ICONS))


def test_a_concept_has_words_and_drawings():
    assert NAMES["1f528"] == ("hammer", ("tool", "nail"))
    assert kept(entry("1F528")) == [
        DrawnConcept("1f528", "hammer", ("tool", "nail"), "Objects", "tool", "1f528.png", "hammer")
    ]


def test_selectors_and_zeros_do_not_matter():
    assert [each.code for each in kept(entry("2764-FE0F"), entry("1F408-200D-2B1B"))] == ["2764", "1f408-200d-2b1b"]


@pytest.mark.parametrize(
    "left_out",
    [
        entry("1F528", category="Flags"),
        entry("1F528", category="Component"),
        entry("1F528", subcategory="keycap"),
        entry("1F528", drawn=False),
        entry("1F9D1-200D-1F527"),
        entry("1F600"),
    ],
)
def test_variants_and_what_is_not_drawn_are_left_out(left_out: dict[str, Any]):
    assert not kept(left_out)
