"""
Makes `models/data/arrays/emoji-*.npz` and `emoji-concepts.json`, in an environment of its own.

    npm install emoji-datasource-twitter@16.0.0 emoji-datasource-google@16.0.0 @iconify-json/fluent-emoji-flat@1.2.6 \
        cldr-annotations-full@48.2.0 cldr-annotations-derived-full@48.2.0
    python -m venv drawing && drawing/bin/pip install numpy pillow resvg-py
    drawing/bin/python -m models.data.make.emoji_styles node_modules

Each drawing is cut to what is not transparent, put in the middle of a white square and scaled to 32 x 32 pixels.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.data.make.emoji_concepts import DrawnConcept, annotated_names, concepts

ARRAYS = Path(__file__).parent.parent / "arrays"
SIDE = 32
DRAWN_SIDE = 128
"""Pixels that an icon is drawn at before it is scaled."""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="0 0 {width} {height}" width="{side}" height="{side}">{body}</svg>'
)
FAINT = 8
"""Opacity (of 255) up to which a pixel is no part of a drawing."""


@dataclass(frozen=True)
class Icon:
    """An icon of an Iconify set: its SVG body, and what its alias does to it."""

    body: str
    width: int
    height: int
    mirrored: bool
    upside_down: bool
    quarter_turns: int
    """Clockwise."""


def icon(icons: Mapping[str, Any], name: str) -> Icon:
    """The icon of that name; aliases are mirrored or turned icons."""
    alias: Mapping[str, Any] = {} if name in icons["icons"] else icons["aliases"][name]
    drawn = icons["icons"][alias.get("parent", name)]
    width, height = (drawn.get(side, icons.get(side, 16)) for side in ("width", "height"))
    turns = int(alias.get("rotate", 0))
    return Icon(drawn["body"], width, height, "hFlip" in alias, "vFlip" in alias, turns)


def rasterised(drawing: Icon) -> Image.Image:
    """The icon as pixels with opacity."""
    import resvg_py

    svg = SVG.format(width=drawing.width, height=drawing.height, side=DRAWN_SIDE, body=drawing.body)
    return transformed(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))), drawing)


def transformed(image: Image.Image, drawing: Icon) -> Image.Image:
    """Mirrored and turned as the alias says."""
    if drawing.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if drawing.upside_down:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image.rotate(-90 * drawing.quarter_turns)


def fitted(image: Image.Image) -> NDArray[np.uint8]:
    """(32, 32, 3) what is not transparent, as large as it fits, on white."""
    image = image.convert("RGBA")
    image = image.crop(image.getchannel("A").point([255 * (opacity > FAINT) for opacity in range(256)]).getbbox())
    side = max(image.size)
    paper = Image.new("RGBA", (side, side), (255, 255, 255, 255))
    paper.alpha_composite(image, ((side - image.width) // 2, (side - image.height) // 2))
    smaller = Image.Resampling.BOX if side > SIDE else Image.Resampling.LANCZOS
    return np.asarray(paper.convert("RGB").resize((SIDE, SIDE), smaller))


def make(packages: Path) -> None:
    """All files, from the folder that npm made."""
    entries = _json(packages / "emoji-datasource-twitter/emoji.json")
    derived = _json(packages / "cldr-annotations-derived-full/annotationsDerived/en/annotations.json")
    plain = _json(packages / "cldr-annotations-full/annotations/en/annotations.json")
    annotated = annotated_names(derived["annotationsDerived"]["annotations"], plain["annotations"]["annotations"])
    fluent = packages / "@iconify-json/fluent-emoji-flat"
    icons = _json(fluent / "icons.json")
    chosen = list(concepts(entries, annotated, _json(fluent / "chars.json")))
    images = [fitted(rasterised(icon(icons, concept.icon))) for concept in chosen]
    np.savez_compressed(ARRAYS / "emoji-fluent.npz", images=np.stack(images))
    for style in ("twitter", "google"):
        folder = packages / f"emoji-datasource-{style}/img/{style}/64"
        images = [fitted(Image.open(folder / concept.file)) for concept in chosen]
        np.savez_compressed(ARRAYS / f"emoji-{style}.npz", images=np.stack(images))
    rows = ",\n".join(json.dumps(_row(concept), ensure_ascii=False) for concept in chosen)
    (ARRAYS / "emoji-concepts.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _row(concept: DrawnConcept) -> list[str | list[str]]:
    """Code, name, keywords, group, subgroup."""
    return [concept.code, concept.name, list(concept.keywords), concept.group, concept.subgroup]


if __name__ == "__main__":
    make(Path(sys.argv[1]))
