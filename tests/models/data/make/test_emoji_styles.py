"""Drawings on white squares; icons as their aliases turn them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from models.data.make import emoji_styles
from models.data.make.emoji_styles import Icon, fitted, icon, make, transformed

RED, CLEAR = (255, 0, 0, 255), (0, 0, 0, 0)
SET = {
    "width": 32,
    "icons": {"arrow": {"body": "<path/>", "height": 24}},
    "aliases": {"left": {"parent": "arrow", "hFlip": True}, "down": {"parent": "arrow", "rotate": 1, "vFlip": True}},
}


def drawing(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A red box on nothing."""
    image = Image.new("RGBA", size, CLEAR)
    image.paste(RED, box)
    return image


@pytest.mark.parametrize("scale", [1, 4])
def test_drawings_are_cut_and_centred(scale: int):
    """A box twice as wide as high fills the middle half of the square."""
    box = (3 * scale, 5 * scale, 19 * scale, 13 * scale)
    image = fitted(drawing((40 * scale, 40 * scale), box))
    assert image.shape == (32, 32, 3)
    assert (image[14:18, 4:28] == (255, 0, 0)).all()
    assert (image[[*range(4), *range(28, 32)]] > 250).all()
    assert (image[7, 16] > 200).all()
    assert (image[8, 16, 1:] < 60).all()


def test_icons_and_their_aliases():
    assert icon(SET, "arrow") == Icon("<path/>", 32, 24, False, False, 0)
    assert icon(SET, "left") == Icon("<path/>", 32, 24, True, False, 0)
    assert icon(SET, "down") == Icon("<path/>", 32, 24, False, True, 1)


@pytest.mark.parametrize(("name", "corner"), [("arrow", (0, 0)), ("left", (0, 3)), ("down", (0, 0))])
def test_turns(name: str, corner: tuple[int, int]):
    """The upper left corner: mirrored to the right; upside down and then a quarter turn clockwise, where it was."""
    turned = np.asarray(transformed(drawing((4, 4), (0, 0, 1, 1)), icon(SET, name)))[..., 0]
    assert np.argwhere(turned).tolist() == [list(corner)]


def test_everything_is_written_in_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two concepts in small packages; the drawing program is replaced by one that paints the body's colour."""
    packages, arrays = tmp_path / "packages", tmp_path / "arrays"
    arrays.mkdir()
    entries = [
        {
            "unified": code,
            "category": "Objects",
            "subcategory": "tool",
            "image": f"{code}.png",
            "has_img_twitter": True,
            "has_img_google": True,
        }
        for code in ("1F528", "1F529")
    ]
    fluent = packages / "@iconify-json/fluent-emoji-flat"
    files = {
        packages / "emoji-datasource-twitter/emoji.json": entries,
        packages / "cldr-annotations-full/annotations/en/annotations.json": {
            "annotations": {"annotations": {"🔨": {"tts": ["hammer"], "default": ["tool"]}, "🔩": {"tts": ["bolt"]}}}
        },
        packages / "cldr-annotations-derived-full/annotationsDerived/en/annotations.json": {
            "annotationsDerived": {"annotations": {}}
        },
        fluent / "chars.json": {"1f528": "hammer", "1f529": "bolt"},
        fluent / "icons.json": {"icons": {"hammer": {"body": "10"}, "bolt": {"body": "20"}}},
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    for style, level in (("twitter", 30), ("google", 50)):
        folder = packages / f"emoji-datasource-{style}/img/{style}/64"
        folder.mkdir(parents=True)
        for number, each in enumerate(entries):
            Image.new("RGBA", (64, 64), (level + 10 * number, 0, 0, 255)).save(folder / each["image"])

    def painted(svg_string: str) -> bytes:
        level = int(svg_string.rpartition("</svg>")[0].rpartition(">")[2])
        path = tmp_path / "painted.png"
        Image.new("RGBA", (128, 128), (level, 0, 0, 255)).save(path)
        return path.read_bytes()

    monkeypatch.setitem(sys.modules, "resvg_py", SimpleNamespace(svg_to_bytes=painted))
    monkeypatch.setattr(emoji_styles, "ARRAYS", arrays)
    make(packages)
    for style, levels in (("fluent", [10, 20]), ("twitter", [30, 40]), ("google", [50, 60])):
        images = np.load(arrays / f"emoji-{style}.npz")["images"]
        assert images[:, 16, 16, 0].tolist() == levels
    rows = json.loads((arrays / "emoji-concepts.json").read_text(encoding="utf-8"))
    assert rows == [["1f528", "hammer", ["tool"], "Objects", "tool"], ["1f529", "bolt", [], "Objects", "tool"]]
