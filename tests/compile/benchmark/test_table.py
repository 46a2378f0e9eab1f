"""Tables as Markdown and JSON, written whole or not at all; the machine in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compile.benchmark.machine import machine
from compile.benchmark.table import Benchmark, Table, markdown, write_benchmark
from compile.output import atomic_file

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


def test_an_interrupt_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_benchmark(tmp_path, BENCHMARK)
    before = (tmp_path / "benchmark.md").read_text()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_file.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_benchmark(tmp_path, Benchmark({}, TABLES[:1]))
    assert (tmp_path / "benchmark.md").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmark.json", "benchmark.md"]


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")  # as write(2) does, without a name

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: .*benchmark\.md"):
        write_benchmark(tmp_path, BENCHMARK)
    assert not list(tmp_path.iterdir())


def test_the_machine_is_described():
    described = machine()
    assert all(described.values())
    assert {"CPU", "instructions", "cores", "load", "memory", "GPU", "threads", "system", "torch"} <= set(described)
    assert int(described["cores"]) >= 1
