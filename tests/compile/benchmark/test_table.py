"""Tables as Markdown and JSON, written whole or not at all; the machine in words."""

from __future__ import annotations

import json
from pathlib import Path

from compile.benchmark.table import Benchmark, Table, markdown, write_benchmark

TABLES = [
    Table("First", ("name", "ms"), (("a", 1.23456), ("b", None), ("c", 12345.6), ("d", 7)), "A note."),
    Table("Second", ("x",), (), "Skipped."),
]
BENCHMARK = Benchmark({"CPU": "some"}, TABLES)


def test_markdown_and_json_say_the_same(tmp_path: Path):
    write_benchmark(tmp_path, BENCHMARK)
    text = (tmp_path / "benchmark.md").read_text()
    assert text == markdown(BENCHMARK)
    lines = [line.replace(" ", "") for line in text.splitlines()]
    assert lines[:5] == ["Machine:CPU:some.", "", "##First", "", "Anote."]
    assert lines[6:12] == ["|name|ms|", "|---|---|", "|a|1.23|", "|b||", "|c|12346|", "|d|7|"]
    assert lines[13:] == ["##Second", "", "Skipped."]
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert content["schema"] == "spike-compiler-benchmark/1"
    assert content["machine"] == {"CPU": "some"}
    assert content["tables"][0]["rows"][:2] == [{"name": "a", "ms": 1.23456}, {"name": "b", "ms": None}]
    assert content["tables"][1] == {"title": "Second", "note": "Skipped.", "rows": []}
