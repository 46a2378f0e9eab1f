"""Templates are filled into one file: nothing of it comes from elsewhere, texts are escaped, nothing is left out in silence."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from compile.report.page.tables import Cell, table
from compile.report.page.template import filled

TEMPLATE = """{% extends "frame.html" %}
{% from "macros.html" import shown %}
{% block title %}{{ title }}{% endblock %}
{% block main %}{{ shown(rows, sortable=true) }}{% endblock %}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "small.html"
    path.write_text(TEMPLATE)
    return path


def test_it_is_one_file_with_style_script_and_figures(template: Path):
    rows = table("rows", ("name", "n"), [["<b>", Cell("1,000", 1000)]])
    page = filled(template, {"figure-1": '{"x": 1}'}, title="a & b", rows=rows)
    assert "<title>a &amp; b</title>" in page
    assert '<script type="application/json" id="figure-1">{"x": 1}</script>' in page
    assert '<th class="text">name</th><th>n</th>' in page
    assert '<td class="text">&lt;b&gt;</td><td data-value="1000">1,000</td>' in page
    assert "prefers-color-scheme: dark" in page
    assert "Bokeh.embed" in page


def test_what_a_template_names_must_be_there(template: Path):
    with pytest.raises(jinja2.UndefinedError, match="rows"):
        filled(template, {}, title="a")
