"""What the page says in words and numbers is what the report found."""

from __future__ import annotations

from dataclasses import replace

from compile.report.page.facts import chip_table, main_metric, metric_table, seconds_table
from compile.report.report import Report


def test_the_last_metric_is_the_main_one(report: Report):
    values = {"source": {"loss": 0.5, "accuracy": 0.9}, "float": {"loss": 0.5, "accuracy": 0.9}}
    values["compiled"] = {"loss": 0.6, "accuracy": 0.8}
    measured = replace(report, metrics=replace(report.metrics, values=values))
    assert main_metric(measured) == ("accuracy", 0.9, 0.8)
    rows = [[cell.text for cell in row] for row in metric_table(measured).rows]
    assert rows == [["loss", "0.5", "0.5", "0.6"], ["accuracy", "0.9", "0.9", "0.8"]]
    assert main_metric(replace(report, metrics=replace(report.metrics, values={}))) is None


def test_the_chip_and_the_stages_are_told(report: Report):
    (part,) = report.parts
    said = {row[0].text: row[1].text for row in chip_table(part, "t").rows}
    assert said["chip"] == part.occupancy.text()
    assert "steps behind the inputs" in said["pipeline"]
    stages = {row[0].text: row[1].value for row in seconds_table(report).rows}
    assert stages == {name: own for name, own in report.seconds.items() if name.count(": ") < 2}
