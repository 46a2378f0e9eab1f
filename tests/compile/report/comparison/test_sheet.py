"""Tables of texts, form by form."""

from __future__ import annotations

import csv
import io

import pytest

from compile.report.comparison.sheet import Sheet

SHEET = Sheet(["run", "rate %", "note"], [["a_1", "7.5", "x & y, z"], ["b", "12", 'say "no"']])


def test_text_is_aligned():
    assert SHEET.text(80).splitlines() == [
        "run  rate %      note",
        "a_1     7.5  x & y, z",
        'b        12  say "no"',
    ]


def test_text_goes_on_below_where_the_terminal_is_narrow():
    assert SHEET.text(12).splitlines() == [
        "run  rate %",
        "a_1     7.5",
        "b        12",
        "",
        "run      note",
        "a_1  x & y, z",
        'b    say "no"',
    ]
    two = Sheet(["where", "what", "1", "2"], [["x", "y", "3", "4"]], words=2)
    assert two.text(14).splitlines() == ["where  what  1", "x      y     3", "", "where  what  2", "x      y     4"]


def test_what_could_harm_a_terminal_is_escaped():
    assert "\x1b" not in Sheet(["run"], [["\x1b[31m\nred"]]).text(80)


def test_of_long_texts_a_terminal_shows_the_end():
    (_, line) = Sheet(["run"], [["a" * 50 + "z"]]).text(80).splitlines()
    assert line == "…" + "a" * 38 + "z"


def test_csv_is_read_back():
    assert [*csv.reader(io.StringIO(SHEET.csv()))] == [[*SHEET.head], *map(list, SHEET.rows)]


def test_markdown():
    assert Sheet(["run", "n|m"], [["a_1", "*2"]]).markdown().splitlines() == [
        "| run | n\\|m |",
        "| --- | ---: |",
        "| a\\_1 | \\*2 |",
    ]


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_1 & 50 %", r"a\_1 \& 50 \%"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("{$#}", r"\{\$\#\}"),
    ],
)
def test_latex_escapes_its_own(text: str, latex: str):
    assert Sheet(["run", "n"], [[text, "1"]]).latex().splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"run & n \\",
        r"\midrule",
        rf"{latex} & 1 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
