"""What one inference costs: parts added up, training beside it, what follows for every pair."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from compile.energy import EnergyRange
from compile.report.inference import inference
from compile.report.report import PartReport, Report
from frontend.model_file.follow_up import FollowUp
from hw_profiles import load
from ir.profile import Profile

PRICES: list[Profile] = [load("loihi2"), load("45nm")]
WORK = FollowUp("similarity", "image and text", macs=100, gallery=50)


def named(part: PartReport, name: str, training: bool = False) -> PartReport:
    own = replace(part.build.part, name=name, training=training)
    return replace(part, build=replace(part.build, part=own))


def energy(part: PartReport) -> EnergyRange:
    known = part.tables[0].network.energy
    assert known is not None
    return known


def test_an_inference_is_the_sum_of_its_parts_without_those_of_training(report: Report):
    part = report.parts[0]
    own = inference([named(part, "image"), named(part, "text"), named(part, "teacher", training=True)], None, PRICES)
    assert own.tables[0].network.energy == energy(part) + energy(part)
    assert own.plain()["parts"] == ["image", "text"]
    assert list(own.plain()["training"]) == ["teacher"]
    assert own.follow_ups == ()
    assert own.on_chip is not None
    assert part.on_chip is not None
    assert own.on_chip.streaming.energy == (part.on_chip.streaming + part.on_chip.streaming).energy
    times = part.run.timing
    assert times is not None
    assert own.per_second == pytest.approx(1e9 / times.times.streaming.value)


def test_a_part_of_training_alone_is_what_was_asked_for(report: Report):
    own = inference([named(report.parts[0], "teacher", training=True)], None, PRICES)
    assert own.tables[0].network.energy == energy(report.parts[0])
    assert own.training == ()


def test_what_follows_costs_the_host_per_pair_and_a_query_the_whole_gallery(report: Report):
    part = report.parts[0]
    own = inference([named(part, "image"), named(part, "text")], WORK, PRICES, pairs_per_s=200.0)
    assert [each.query_pj for each in own.follow_ups] == [Fraction("4.6") * 100 * 50] * 2
    plain = own.plain()["follow_up"]
    assert (plain["macs"], plain["pairs_per_s"], plain["queries_per_s"]) == (100, 200.0, 4.0)
    assert [each["prices"] for each in plain["bills"]] == ["loihi2", "45nm"]
    assert inference([part], WORK, PRICES, 200.0).plain()["follow_up"] is None, "one part alone makes no pairs"


def test_a_part_without_times_leaves_none(report: Report):
    part = report.parts[0]
    untimed = replace(part, on_chip=None, run=replace(part.run, timing=None))
    own = inference([part, untimed], None, PRICES)
    assert own.on_chip is None
    assert own.per_second is None
