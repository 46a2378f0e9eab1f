"""The terminal's lines about energy: whose prices, ranges, what is not in it, like for like."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from compile.energy import EnergyRange
from compile.report.energy_lines import energy_lines, range_text
from compile.report.inference import inference
from compile.report.report import Report
from frontend.model_file.follow_up import FollowUp
from tests.compile.report.test_inference import PRICES, named


def test_an_energy_with_its_range():
    assert (
        range_text(EnergyRange(Fraction(19_500_000), Fraction(19_000_000), Fraction(30_400_000)))
        == "19.5 (19 to 30.4) uJ"
    )
    assert range_text(EnergyRange(*[Fraction(230)] * 3)) == "230 pJ"
    assert range_text(None) == "no price"


def test_whose_prices_these_are_and_what_is_not_in_them(report: Report):
    first, *table = energy_lines(report)
    assert "one inference (network; mean of 8 samples), counted events at prices of loihi2: 2.39 (2.39 to" in first
    assert "prices of loihi1 (synaptic_event is the published minimum, pre-silicon)" in first
    assert "neuron_update moves it most" in first
    assert "without crossing_event (no price), hops, static power" in first
    heads, *rows = (line.split() for line in table[:4])
    assert heads[:2] == ["prices", "counted"]
    assert [row[0] for row in rows] == ["loihi2", "45nm", "45nm-int8"]
    on_cores = next(line for line in table if line.startswith("cores"))
    assert "in a stream" in on_cores
    assert "stated and not used: hop_east_west, hop_north_south" in on_cores


def test_parts_of_training_and_what_follows_have_lines_of_their_own(report: Report):
    part = report.parts[0]
    parts = (named(part, "image"), named(part, "text"), named(part, "teacher", training=True))
    work = FollowUp("similarity", "image and text", 100, 50)
    lines = list(energy_lines(replace(report, parts=parts, energy=inference(parts, work, PRICES, 1e6))))
    assert any(line.startswith("training teacher runs in training only") for line in lines)
    (then,) = (line for line in lines if line.startswith("then"))
    assert "100 MAC per pair of image and text, a query meets a gallery of 50" in then
    assert "460 pJ and 23 nJ at 45nm" in then
    assert "1,000,000 pairs/s, 20,000 queries/s here" in then


def test_a_chip_without_prices_says_which_are_missing(report: Report):
    own = report.energy.tables[0]
    unknown = replace(own.network, lines=tuple(replace(line, quantity=None) for line in own.network.lines))
    part = replace(report.parts[0], tables=(replace(own, network=unknown),), on_chip=None, energy=None)
    lines = list(energy_lines(replace(report, energy=inference([part], None, PRICES))))
    assert lines[0].endswith("unknown, as nobody has published synaptic_event")
    assert lines[3].strip() == "-: nobody has published synaptic_event of loihi2"
    assert not any("-: nobody" in line for line in energy_lines(report))
    assert not any(line.startswith(("why", "cores")) for line in lines)
