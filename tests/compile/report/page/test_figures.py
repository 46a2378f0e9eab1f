"""Figures as JSON for the page's script."""

from __future__ import annotations

import json

from compile.report.page.figures import INK, chart, chosen, embedded, script_json


def test_text_within_cannot_end_a_script():
    text = script_json({"a": "</script><!--"})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--"}


def test_a_figure_comes_with_its_tokens_and_named_sources():
    made = chart()
    made.scatter("x", "y", source=chosen("spikes", "x", "y"))
    content = embedded(made)
    assert json.loads(content)["root_id"]
    assert INK in content
    assert '"name":"spikes"' in content
