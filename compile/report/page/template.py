"""Fills a page's template: one file with its style, script and figures in it, and the library that draws them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from bokeh.resources import INLINE

HERE = Path(__file__).parent


def filled(template: Path, figures: Mapping[str, str], content: Mapping[str, Any]) -> str:
    """
    The page as text.

    Args:
        template: extends `frame.html`, and may import `macros.html`.
        figures: id -> figure, or the data of one, as JSON; the template has a place for each.
        content: what the template names.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(
        content,
        figures=figures,
        bokeh="\n".join(INLINE.js_raw[:1]),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
    )
