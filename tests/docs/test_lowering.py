"""docs/lowering.md shows what the compiler makes: its pictures are drawn anew, and what they say of costs is counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pictures.__main__ import FOLDER, added, lowered, pictures
from tests.pictures.drawing import Arrow, Box, drawing
from tests.pictures.examples import EXAMPLES

pytestmark = pytest.mark.checkout

PAGE = (Path(__file__).parents[2] / "docs/lowering.md").read_text()


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_pictures_are_those_of_the_code(name: str):
    for file, picture in pictures(name).items():
        assert (FOLDER / file).read_text() == picture, "python -m tests.pictures draws them again"


def test_it_shows_all_of_them_and_no_others():
    shown = re.findall(r"!\[[^\]]{10,}\]\(lowering/(\S+?)\)", PAGE)
    assert sorted(shown) == sorted({file for name in EXAMPLES for file in pictures(name)})
    assert sorted(shown) == sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_picture_says_is_added_is_what_is_counted(name: str):
    example = EXAMPLES[name]
    stated = [int(eval(formula or "0", dict(example.sizes))) for formula in (example.neurons, example.synapses)]
    assert stated == [*added(lowered(example, example.source(**example.sizes)))]


def test_a_longer_way_goes_around_the_boxes_between():
    boxes = {name: Box("model", (name,)) for name in "abc"}
    text = drawing(boxes, [Arrow("a", "b"), Arrow("b", "c"), Arrow("a", "c", "W")], ["note"])
    ways = [re.findall(r"([\d.]+),([\d.]+)", way) for way in re.findall(r'points="(.*?)"', text)]
    assert [len(way) for way in ways] == [2, 2, 4]
    assert ways[2][1][0] == ways[2][2][0] != ways[0][1][0]
    assert re.findall(r"<text[^>]*>(.*?)<", text) == ["W", "a", "b", "c", "note"]
