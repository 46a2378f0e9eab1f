"""Figures as JSON for the page's script."""

from __future__ import annotations

import json

from bokeh.embed import json_item

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
    made.document.remove_root(made)
    own, bokehs = json.loads(content), json.loads(script_json(json_item(made)))
    assert own["doc"].pop("config").keys() == bokehs["doc"].pop("config").keys(), "numbered anew in every document"
    assert own == bokehs, "what Bokeh gives itself"
