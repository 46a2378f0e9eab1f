"""
How all figures of the page look, and how they get into it.

A figure is drawn by Bokeh in the browser, when the reader comes to it. Its colours for ink and lines are tokens here,
which the page replaces by those of the reader's scheme, light or dark; the colours of data stand out on both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bokeh
from bokeh.document import Document
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

INK, LINE = "#010203", "#020304"
"""Tokens of the scheme's colours, which nothing else may have; page.js knows them."""
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#3b82c4",
    "#e08a1e",
    "#2e9e6b",
    "#d1495b",
    "#9b6bb3",
    "#56b4e9",
    "#8a8f98",
)
"""Of data; they can be told apart with any eyes on either ground."""
FONT = "system-ui, sans-serif"


def chart(height: int = 260, hover: str | list[tuple[str, str]] = "", tools: str = "", **options: Any) -> Any:
    """An empty figure as wide as the page, `height` pixels high; `hover` is what a pointer shows, as Bokeh's tooltips."""
    made = figure(height=height, sizing_mode="stretch_width", tools=tools, toolbar_location=None, **options)
    if hover:
        made.add_tools(HoverTool(tooltips=hover))
    if tools:
        made.toolbar_location, made.toolbar.logo, made.toolbar.autohide = "above", None, True
    made.background_fill_color = made.border_fill_color = None
    made.outline_line_color = None
    for axis in made.axis:
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_line_color = axis.major_tick_line_color = LINE
        axis.minor_tick_line_color = None
    for grid in made.grid:
        grid.grid_line_color, grid.grid_line_alpha = LINE, 0.6
    return made


def with_legend(made: Any, place: str = "above") -> Any:
    """The figure with its legend beside the data, in the scheme's colours."""
    if made.legend:
        made.add_layout(made.legend[0], place)
        made.legend[0].update(
            orientation="horizontal",
            background_fill_alpha=0,
            border_line_color=None,
            label_text_color=INK,
            label_text_font=FONT,
            padding=2,
            click_policy="hide",
        )
    return made


@dataclass(frozen=True)
class Selection:
    """One figure for many: its reader chooses whose data it shows."""

    figure: Any
    data: Mapping[str, Mapping[str, Mapping[str, Sequence[Any]]]]
    """What can be chosen -> source, as `chosen` names it -> column -> values."""


def chosen(name: str, *columns: str) -> Any:
    """The source of a figure whose values are chosen on the page."""
    return ColumnDataSource({column: [] for column in columns}, name=name)


def embedded(made: Any) -> str:
    """A figure as JSON that Bokeh's script embeds; its own `json_item` gives the same after checks that take as long."""
    document = Document(title="")
    document.add_root(made)
    content = document.to_json(deferred=False)
    return script_json({"target_id": None, "root_id": made.id, "doc": content, "version": bokeh.__version__})


def script_json(content: Any) -> str:
    """JSON, safe within a script element."""
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
