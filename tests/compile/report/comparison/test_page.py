"""The page: the tables of the terminal, numbers to sort by, bars, and nothing from a network."""

from __future__ import annotations

import json
import re

import pytest

from compile.report.comparison.differences import compare
from compile.report.comparison.formats import Content
from compile.report.comparison.page import comparison_page
from compile.report.comparison.saved_report import SavedReport, read_reports


@pytest.fixture(scope="module")
def page(both: list[SavedReport]) -> str:
    return comparison_page(Content(both, [compare(*both)], only_differences=False))


def test_it_has_both_tables_and_what_is_the_same(page: str):
    assert re.findall(r'<table id="([\w-]+)" class="sortable">', page) == ["runs", "differences-0"]
    assert "<title>eight | four</title>" in page
    assert ">setup: network tiny, target gpu" in page
    assert '<h2 id="differences-0-title">eight → four</h2>' in page


def test_rows_are_sorted_by_the_numbers_themselves(page: str, both: list[SavedReport]):
    values = [run.groups["energy"]["counted energy"].value for run in both]
    for value in values:
        assert f'<td data-value="{value}">' in page


def test_every_bar_has_its_runs_and_values(page: str, both: list[SavedReport]):
    figures = dict(re.findall(r'<script type="application/json" id="(bars-\d+)">(.*?)</script>', page))
    titles = re.findall(r'<h2>([^<]+)</h2><div class="figure" data-figure="(bars-\d+)">', page)
    assert {name for _, name in titles} == {*figures}
    drawn = {title: figures[name] for title, name in titles}
    assert {"F1", "rate %", "cores", "latency us", "counted energy nJ", "dense twin nJ"} <= drawn.keys()
    sources = re.findall(r'\["run",(\[.*?\])\],\["value",(\[.*?\])\]', drawn["cores"])
    assert [(json.loads(runs), json.loads(values)) for runs, values in sources] == [(["eight", "four"], [1.0, 1.0])]


def test_it_needs_nothing_else(page: str):
    assert not re.findall(r'<(?:script|img)[^>]* src=|<link |url\(["\']?http', page)
    assert len(page) < 2_000_000


def test_differences_alone_and_names_that_are_markup(changed):
    reports = read_reports([changed("one"), changed("<b>", lambda content: content.update(profile="<script>"))])
    page = comparison_page(Content(reports, [compare(*reports)], only_differences=True))
    assert 'id="runs"' not in page
    assert 'data-figure="bars' not in page
    assert "&lt;b&gt;" in page
    assert '<td class="text">&lt;script&gt;</td>' in page
    same = comparison_page(Content(reports[:1] * 2, [compare(reports[0], reports[0])], only_differences=True))
    assert "No difference." in same
