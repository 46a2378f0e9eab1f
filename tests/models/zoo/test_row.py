"""A row is what the report and the benchmark say; rows are kept whole, and speeds of other devices stay."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.zoo import row as rows_of
from models.zoo.cases import ENTRIES, ZooCase
from models.zoo.child import Ended
from models.zoo.row import current, measured, part_row, read_rows, row_of, write_rows
from tests.models.zoo.examples import KNOWN, benchmark, layer, report, row


def test_numbers_of_a_part() -> None:
    (part,) = row().parts
    assert (part.neurons, part.added_neurons, part.synapses, part.phases) == (40, 10, 1234, 3)
    assert part.rate == pytest.approx((30 * 0.2 + 10 * 0.4) / 40)
    assert part.operand_rate == pytest.approx((30 * 0.3 + 10 * 0.1) / 40)
    assert (part.twin_pj, part.formula_pj, part.arithmetic_pj, part.counted_pj) == (4e6, 2e6, 1e6, 3e9)
    assert (part.per_second, part.source_per_second) == ({"CPU": 250.0}, {"CPU": 125.0})


def test_causes_lead_from_the_formula_that_stands_in_the_row_to_what_was_counted() -> None:
    """The paper's here: 2e6, where the general one has 5e6."""
    (part,) = row().parts
    assert part.causes_pj == {"price_per_event": 2.9955e9, "host": 5e5, "left_out": 2e6}
    assert part.formula_pj + sum(part.causes_pj.values()) == part.counted_pj


def test_rates_of_groups_are_means_over_their_neurons() -> None:
    paths = ("video.stage1.0.tssa.spatial.q_lif", "audio.stage1.0.tssa.temporal.q_lif", "video.stage2.0.mlp.mlp1_lif")
    layers = [layer(10 * number, 0.1 * number, path) for number, path in enumerate(paths, 1)]
    part = part_row({**report()["parts"][0], "layers": layers}, ENTRIES["snnergy"], "CPU", [])
    assert part.rates == {"Q CM1": pytest.approx((10 * 0.1 + 20 * 0.2) / 30), "MLP layer 1 CM2": pytest.approx(0.3)}
    assert row().parts[0].rates == {}


def test_metrics_are_of_the_module_and_of_the_integers() -> None:
    assert dict(row().metrics) == {"accuracy": (90.0, 89.5)}
    assert not row_of(KNOWN, {**report(), "metrics": {}}, {}).metrics, "random weights have none"


def test_rows_come_back(tmp_path: Path) -> None:
    path, failed = tmp_path / "zoo.jsonl", replace(row(), config="x", parts=[], failed="took more than 3 s", metrics={})
    write_rows(path, {each.name: each for each in (row(), failed)})
    back = read_rows(path)
    assert back["taaf-x"] == failed
    assert replace(back["taaf-av-digits"], metrics={}) == replace(row(), metrics={})
    assert read_rows(tmp_path / "none.jsonl") == {}


def test_rows_of_other_weights_are_no_rows() -> None:
    cases = [ZooCase("taaf", "published"), ZooCase("taaf", "av-digits")]
    assert current({"taaf-av-digits": row()}, cases) == {"taaf-av-digits": row()}
    assert current({"taaf-av-digits": replace(row(), fingerprint="other")}, cases) == {}
    assert cases[0].fingerprint != ZooCase("taaf", "published-64").fingerprint


def test_a_run_on_a_gpu_keeps_the_speed_on_the_cpu() -> None:
    both = row(gpu="an accelerator").with_speeds_of(row())
    assert both.parts[0].per_second == {"CPU": 250.0, "GPU": 250.0}
    assert [*both.machines] == ["CPU", "GPU"]
    other = row_of(KNOWN, report("image"), {})
    assert other.with_speeds_of(row()) is other, "its parts are other ones"
    assert row().with_speeds_of(None) == row()


@pytest.mark.checkout
def test_two_processes_make_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def run(command: list[str], limit: float) -> Ended:
        called.append(command)
        if "--bench" in command:
            Path(command[-1], "benchmark.json").write_text(json.dumps(benchmark()))
            return Ended("", "")
        return Ended(json.dumps(report()), "")

    monkeypatch.setattr(rows_of, "run_child", run)
    assert measured(ZooCase("taaf", "av-digits"), 9) == row()
    assert ["--bench" in command for command in called] == [False, True]


def test_a_benchmark_that_fails_says_why_and_leaves_earlier_speeds(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], limit: float) -> Ended:
        return Ended("", "took more than 9 s") if "--bench" in command else Ended(json.dumps(report()), "")

    monkeypatch.setattr(rows_of, "run_child", run)
    monkeypatch.setattr(rows_of.torch.cuda, "is_available", lambda: True)
    failed = measured(ZooCase("taaf", "av-digits"), 9)
    assert (failed.failed, failed.unmeasured) == ("", {"GPU": "took more than 9 s"})
    both = failed.with_speeds_of(replace(row(), unmeasured={"CPU": "an earlier one"}))
    assert (both.parts[0].per_second, [*both.unmeasured]) == ({"CPU": 250.0}, ["CPU", "GPU"])


def test_a_network_that_fails_has_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_of, "run_child", lambda command, limit: Ended("", "took more than 9 s"))
    failed = measured(ZooCase("taaf", "published"), 9)
    assert (failed.failed, failed.parts, failed.trained) == ("took more than 9 s", (), False)
