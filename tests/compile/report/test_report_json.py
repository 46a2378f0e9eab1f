"""report.json: every field is documented, and it is what the command line writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from compile.cli import main
from compile.driver import compile_network
from compile.report.conditions import parse_condition
from compile.report.report_json import report_content
from compile.stages.options import Options
from ir.pipeline.pipeline import PIPELINE

ROOT = Path(__file__).parents[3]


def test_every_field_is_documented(report):
    content = report_content(report)
    page = (ROOT / "docs" / "report.md").read_text()
    energy = content["energy"]
    bills = (energy, energy["tables"][0], energy["tables"][0]["network"], energy["on_chip"])
    for name in (
        *content,
        *content["parts"][0],
        *content["parts"][0]["check"],
        *(key for each in bills for key in each),
    ):
        assert f"`{name}`" in page or f"`{name}[" in page or f"`{name}." in page, name


def test_a_third_engine_has_a_check_of_its_own_that_can_fail_the_report(report):
    verdict = report.parts[0].run.verdict
    third = replace(verdict, against="SANA-FE, 1 core", differing=3)
    part = replace(report.parts[0], run=replace(report.parts[0].run, third=third))
    compared = replace(report, parts=(part,))
    assert compared.plain()["parts"][0]["third_check"] == {
        **report.plain()["parts"][0]["check"],
        "against": "SANA-FE, 1 core",
        "differing": 3,
        "passed": False,
    }
    assert report.plain()["parts"][0]["third_check"] is None
    assert (report.passed, compared.passed) == (True, False)
    assert parse_condition("differ > 2").holds(compared)
    assert not parse_condition("differ > 0").holds(report)
    assert "FAIL, SANA-FE, 1 core: 3 of" in repr(compared)


def test_json_equals_the_command_line(tiny: Path, tmp_path: Path, report):
    assert main([str(tiny), "--target", "gpu", "--samples", "8", "--out", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    content = json.loads(json.dumps(report_content(report)))
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written["files"] == ["report.json", *sorted(files - {"report.json"})]
    assert {**written, "seconds": 0, "files": []} == {**content, "seconds": 0}
    outputs = np.load(tmp_path / "out" / "outputs.npz")
    assert all(np.array_equal(outputs[name], array) for name, array in report.parts[0].run.outputs.items())


def test_every_pass_has_its_time(report):
    seconds, (part,) = report_content(report)["seconds"], report.parts
    passes = {name.split(": ")[2]: name.split(": ")[1] for name in seconds if name.count(": ") == 2}
    assert (set(part.build.texts) - {"import"}) | {"trace", "check the import"} <= set(passes)
    assert [step.name for step in PIPELINE] == [name for name in part.build.texts if name != "import"]
    for stage in set(passes.values()):
        own = [value for name, value in seconds.items() if name.startswith(f"network: {stage}: ")]
        assert 0 < sum(own) <= seconds[f"network: {stage}"]


def test_prices_are_a_list_of_options(tiny: Path):
    options = Options(target="gpu", samples=2, prices=("7nm", "45nm"))
    assert compile_network(tiny, options).plain()["options"]["prices"] == ["7nm", "45nm"]
