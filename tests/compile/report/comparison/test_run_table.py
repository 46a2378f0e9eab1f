"""One row per run: what is the same is said once, what differs has a column."""

from __future__ import annotations

from compile.report.comparison.run_table import run_table
from compile.report.comparison.saved_report import SavedReport, read_reports


def test_what_is_the_same_is_no_column(both: list[SavedReport]):
    table = run_table(both)
    heads = [column.head for column in table.different]
    assert heads[:2] == ["profile", "samples"]
    assert {"kept", "rate %", "step ns", "latency us"} <= {*heads}
    shared = {name: fact.alone() for facts in table.shared.values() for name, fact in facts.items()}
    assert shared["network"] == "tiny"
    assert shared["verdict"] == "PASS"
    assert shared["dense twin"] == "2.29 nJ"
    assert "config" not in shared, "nobody knows one"
    assert not {*shared} & {column.name for column in table.different}
    known = {column.name for column in table.columns if any(fact.value is not None for fact in column.facts)}
    assert {*shared} | {column.name for column in table.different} == known


def test_a_sheet_has_a_row_per_run(both: list[SavedReport]):
    sheet = run_table(both).sheet()
    assert [row[0] for row in sheet.rows] == ["eight", "four"]
    column = sheet.head.index("profile")
    assert [row[column] for row in sheet.rows] == ["loihi2", "loihi1"]
    assert {len(row) for row in sheet.rows} == {len(sheet.head)}


def test_programs_get_all_columns_in_full(both: list[SavedReport]):
    table = run_table(both)
    sheet = table.whole_sheet()
    assert len(sheet.head) == 1 + len(table.columns)
    assert len({*sheet.head}) == len(sheet.head)
    for run, row in zip(both, sheet.rows, strict=True):
        values = dict(zip(sheet.head, row, strict=True))
        assert float(values["step ns"]) == run.groups["time"]["step"].value
        assert float(values["rate"]) == run.groups["spikes"]["rate"].value
        assert values["config"] == ""
        assert values["network"] == "tiny"


def test_runs_that_know_other_things_are_unknown_there(changed):
    def measured(content):
        content["metrics"] = {"compiled": {"accuracy": 0.5}}

    table = run_table(read_reports([changed("plain"), changed("measured", measured)]))
    assert [(column.name, *column.texts) for column in table.different] == [("accuracy, compiled", "-", "0.5")]


def test_a_single_run_has_all_columns(both: list[SavedReport]):
    table = run_table(both[:1])
    assert not table.shared
    assert "network" in table.sheet().head
