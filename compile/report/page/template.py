"""Fills a page's template: one file with its style, script and figures in it, and the library that draws them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokeh.resources import INLINE
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent


def filled(template: Path, figures: Mapping[str, str], **content: Any) -> str:
    """
    The page as text.

    Args:
        template: extends `frame.html`, and may import `macros.html`.
        figures: id -> figure, or the data of one, as JSON; the template has a place for each.
        content: what the template names.
    """
    loader = FileSystemLoader([template.parent, HERE])
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template(template.name).render(
        content,
        figures=figures,
        bokeh=INLINE.js_raw[0],
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
    )
