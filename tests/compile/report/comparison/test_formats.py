"""Comparisons as text, Markdown, LaTeX, CSV and JSON: the same findings in each."""

from __future__ import annotations

import csv
import io
import json

import pytest

from compile.command.screen import Screen
from compile.report.comparison.differences import compare
from compile.report.comparison.formats import DIFFERENCES, DOCUMENTS, Content, text
from compile.report.comparison.saved_report import SavedReport, read_reports


@pytest.fixture
def content(both: list[SavedReport]) -> Content:
    return Content(both, [compare(*both)], only_differences=False)


@pytest.fixture
def differences(content: Content) -> Content:
    return Content(content.reports, content.comparisons, only_differences=True)


def test_text_has_what_is_the_same_then_the_table_then_the_differences(content: Content):
    shown = text(content, Screen())
    places = [
        shown.index(part)
        for part in ("the same in all runs", "setup    network tiny", "\nrun ", "\neight -> four", "\nlif2 ")
    ]
    assert places == sorted(places)
    assert max(map(len, shown.splitlines())) <= Screen().width


def test_differences_alone(differences: Content):
    assert text(differences, Screen()).startswith("eight -> four\n\nwhere ")
    assert DOCUMENTS["markdown"](differences).startswith("## eight -> four\n\n| where | what | eight | four |")
    assert DOCUMENTS["latex"](differences).startswith(r"\begin{tabular}{llrrrr}")


def test_equal_runs_are_said_to_be(changed):
    reports = read_reports([changed("one"), changed("other")])
    equal = Content(reports, [compare(*reports)], only_differences=True)
    assert text(equal, Screen()) == "one -> other\n\nno difference"
    assert DOCUMENTS["markdown"](equal) == "## one -> other\n\nNo difference."
    assert DOCUMENTS["latex"](equal).startswith("% no difference\n")
    assert DOCUMENTS["csv"](equal) == ",".join(DIFFERENCES)


def test_what_one_run_has_alone(changed):
    reports = read_reports(
        [changed("one"), changed("other", lambda content: content.update(warnings=["lif2 is silent"]))]
    )
    alone = Content(reports, [compare(*reports)], only_differences=True)
    assert "only in other: warning lif2 is silent" in text(alone, Screen())
    assert "only in other: warning lif2 is silent" in DOCUMENTS["markdown"](alone)
    assert "% only in other: warning lif2 is silent" in DOCUMENTS["latex"](alone)
    rows = [*csv.DictReader(io.StringIO(DOCUMENTS["csv"](alone)))]
    assert [(row["where"], row["what"], row["value_before"], row["value_after"]) for row in rows] == [
        ("result", "warnings", "0", "1"),
        ("warning", "lif2 is silent", "", "present"),
    ]


def test_latex_says_what_is_the_same_in_comments(content: Content):
    shown = DOCUMENTS["latex"](content)
    assert shown.startswith("% the same in all runs\n% setup: network tiny, target gpu")
    assert shown.count(r"\begin{tabular}") == 1


def test_csv_and_json_have_the_same_numbers(content: Content, differences: Content):
    plain = json.loads(DOCUMENTS["json"](content))
    rows = [*csv.DictReader(io.StringIO(DOCUMENTS["csv"](content)))]
    assert plain["schema"] == "spike-compiler-comparison/1"
    for run, row in zip(plain["runs"], rows, strict=True):
        facts = {name: own for group in run.values() if isinstance(group, dict) for name, own in group.items()}
        assert row.pop("run") == run["run"]
        assert row == {name: "" if own is None else str(own) for name, own in facts.items()}
    lines = [*csv.DictReader(io.StringIO(DOCUMENTS["csv"](differences)))]
    told = [{name: "" if own is None else str(own) for name, own in each.items()} for each in plain["differences"]]
    assert lines == told
    (energy,) = (each for each in plain["differences"] if (each["where"], each["what"]) == ("energy", "counted energy"))
    assert energy["unit"] == "pJ"
    assert energy["change"] == energy["value_after"] - energy["value_before"]
    assert energy["relative"] == energy["change"] / energy["value_before"]
