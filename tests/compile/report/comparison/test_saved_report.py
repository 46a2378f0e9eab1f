"""Reports of finished runs: their names beside each other, and files that are none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from compile.report.comparison.saved_report import read_reports
from ir.errors import CompileError


def labels(*places: Path) -> list[str]:
    return [report.label for report in read_reports(places)]


def test_folders_and_files_are_read(runs: Path):
    folder, file = read_reports([runs / "eight", runs / "four" / "report.json"])
    assert (folder.label, file.label) == ("eight", "four")
    assert [*folder.parts] == ["network"]
    assert [*folder.parts["network"].layers] == ["lif1", "lif2"]
    assert folder.groups["setup"]["samples"].value == 8


def test_runs_have_names_of_their_own(runs: Path, monkeypatch: pytest.MonkeyPatch):
    for place in ("a/x/out", "b/x/out", "b/y/out"):
        shutil.copytree(runs / "eight", runs / place)
    shutil.copy(runs / "four" / "report.json", runs / "small.json")
    assert labels(runs / "a/x/out", runs / "eight") == ["out", "eight"]
    assert labels(runs / "a/x/out", runs / "b/y/out") == ["x/out", "y/out"]
    assert labels(runs / "a/x/out", runs / "b/x/out", runs / "b/y/out") == ["a/x/out", "b/x/out", "y/out"]
    assert labels(runs / "eight", runs / "eight/report.json", runs / "small.json") == ["eight", "eight (2)", "small"]
    monkeypatch.chdir(runs / "a/x/out")
    assert labels(Path(), Path("../../../eight")) == ["out", "eight"]


@pytest.mark.parametrize(
    ("content", "rule", "what"),
    [
        (b"", "json", "this is not JSON"),
        (b'{"schema": "spike-compiler-rep', "json", "only the beginning"),
        (b"\xff\xfe{}", "json", "this is not JSON"),
        pytest.param(b"[" * 200_000, "json", "this is not JSON", id="deep"),
        (b"[]", "field", "the file is not an object"),
        (b"{}", "schema", "no report of this compiler"),
        (
            b'{"schema": "spike-compiler-report/1"}',
            "schema",
            "'spike-compiler-report/1', not 'spike-compiler-report/3'",
        ),
        (b'{"schema": {"a": 1}}', "schema", "of schema 'a=1'"),
        (b'{"schema": "spike-compiler-report/3"}', "field", "parts is missing"),
        (b'{"schema": "spike-compiler-report/3", "parts": []}', "field", "parts is empty"),
    ],
)
def test_what_is_no_report_is_refused_by_name(tmp_path: Path, content: bytes, rule: str, what: str):
    file = tmp_path / "report.json"
    file.write_bytes(content)
    with pytest.raises(CompileError) as caught:
        read_reports([tmp_path])
    assert (caught.value.rule, caught.value.where) == (f"comparison.{rule}", str(file))
    assert what in caught.value.what
    assert "--out" in caught.value.hint


def test_what_is_not_there_is_refused_by_name(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for place, what in (
        (tmp_path, "no such file"),
        (tmp_path / "x.json", "no such file"),
        (tmp_path / "pipe", "no regular"),
    ):
        with pytest.raises(CompileError) as caught:
            read_reports([place])
        assert caught.value.rule == "comparison.missing"
        assert what in caught.value.what
        assert str(place) in caught.value.where


@pytest.mark.parametrize(
    ("name", "wrong", "what"),
    [
        ("chip", None, "parts[0].chip is not an object"),
        ("layers", [{"name": 3}], "parts[0].layers[0].rate is missing"),
        ("spikes", {"kept": "many"}, "parts[0].spikes.kept is not the number"),
        ("timing", {}, "parts[0].timing.step_ns is missing"),
        ("energy", {"counted_pj": "2 nJ"}, "parts[0].energy.counted_pj is not the number"),
    ],
)
def test_a_report_that_was_edited_is_refused_with_the_place(changed, name: str, wrong: object, what: str):
    place = changed("edited", lambda content: content["parts"][0].update({name: wrong}))
    with pytest.raises(CompileError) as caught:
        read_reports([place])
    assert caught.value.rule == "comparison.field"
    assert what in caught.value.what
