"""`compile report`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compile.cli import main


def test_two_runs_are_put_beside_each_other_with_their_differences(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(runs / "eight"), str(runs / "four")]) == 0
    shown = capsys.readouterr().out
    assert "the same in all runs" in shown
    assert "eight -> four" in shown


def test_three_runs_are_compared_with_the_first_if_that_is_asked_for(runs: Path, changed, capsys):
    places = [str(place) for place in (runs / "eight", runs / "four", changed("again"))]
    assert main(["report", *places]) == 0
    assert "->" not in capsys.readouterr().out
    assert main(["report", *places, "--diff"]) == 0
    shown = capsys.readouterr().out
    assert "the same in all runs" not in shown
    assert shown.index("eight -> four") < shown.index("eight -> again\n\nno difference\n")


def test_a_file_is_written_whole_in_place_of_the_output(runs: Path, tmp_path: Path, capsys):
    file, page = tmp_path / "runs.json", tmp_path / "runs.html"
    flags = ["--format", "json", "--out", str(file), "--html", str(page)]
    assert main(["report", str(runs / "eight"), *flags]) == 0
    assert capsys.readouterr().out == ""
    assert [run["run"] for run in json.loads(file.read_text())["runs"]] == ["eight"]
    assert page.read_text().startswith("<!doctype html>")


def test_nothing_is_written_where_a_run_is_missing(runs: Path, tmp_path: Path, fails):
    file = tmp_path / "runs.csv"
    file.write_text("mine")
    missing = str(tmp_path / "nothing")
    flags = ["--format", "csv", "--out", str(file), "--html", str(tmp_path / "runs.html")]
    fails(["report", str(runs / "eight"), missing, *flags], 2, "error[comparison.missing]", missing, "hint")
    assert file.read_text() == "mine"
    assert not (tmp_path / "runs.html").exists()


def test_bad_usage(runs: Path, fails):
    eight = str(runs / "eight")
    fails(["report", eight, "--diff"], 2, "error[comparison.one]")
    fails(["report", eight, "--out", f"{eight}/report.json/below"], 2, "error[io]", "below")
    for flags in ([], [eight, "--format", "xml"], [eight, "--out="], [""]):
        with pytest.raises(SystemExit) as stop:
            main(["report", *flags])
        assert stop.value.code == 2
