"""
docs/reproduction.md: CMSF's counts worked out by hand are those of small graphs, and make the same page at published size; every
printed energy that can be reproduced is.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from models.cmsf import CONFIGS
from models.networks.cmsf.config import CmsfConfig
from tests.reproduction import spikeclip
from tests.reproduction.cmsf import FUSIONS, Fusion, Line, fusion, table_4
from tests.reproduction.page import page
from tests.reproduction.printed import PRINTED, millijoules
from tests.reproduction.snnergy import blocks
from tests.reproduction.transformers import STEPS, logged, networks, operations

PAGE = Path(__file__).parents[1] / "docs/reproduction.md"
COMMAND = "python -m tests.reproduction --out docs/reproduction.md"
SMALL = replace(CONFIGS["digits"], N=4, L=4, D=16, F=64, region_features=5, word_features=7, heads=2, combs=2)
AC, MAC = Fraction(9, 10**10), Fraction(46, 10**10)
"""mJ of an operation."""


def lines_by_hand(c: CmsfConfig) -> tuple[Line, ...]:
    """Table 4: the formulas as printed, and operations counted on paper; at rate 1."""
    square = c.N * c.D**2
    rows = {
        "Q, K, V": (3 * square, 3 * square),
        "SCA": (square, 2 * square // c.heads),
        "SCSA": ((c.N + c.L) * c.D**2, 2 * (c.N + c.L) * c.D**2 // c.heads),
        "SCCA": (c.N, c.N * c.D + c.L * c.D),
        "Out Linear": (square, square),
        "Gate Linear": (8 * square, 8 * square),
        "Gate Multiply": (0, c.N * c.F),
    }
    regions, words, gated = c.N * c.region_features * c.D, c.L * c.word_features * c.D, c.N * c.F * c.D
    return (
        Line("Region Linear", regions, regions, AC * c.T * regions, MAC * regions),
        Line("Word Linear", words, words, AC * c.T * words, MAC * words),
        *(Line(name, flops, real, AC * c.T * flops, AC * c.T * real) for name, (flops, real) in rows.items()),
        Line("not in the table", 0, gated, Fraction(0), MAC * c.T * gated),
    )


def fusion_by_hand(c: CmsfConfig) -> Fusion:
    """Between the spikes of Q, K, V and the projection; products as (Q K^T) V on the chip, where tokens are few."""
    n, m, width, h = c.N, c.L, c.D, c.heads
    if c.fusion == "scca":
        masks = c.combs * width
        counted = ((n + m) * width**2, n * width + m * width, n * width + m * width, masks)
        lowered = (masks + m * width, n * width + 2 * m * width)
    else:
        n, m = (n + m, n + m) if c.fusion == "scsa" else (n, m)
        counted = ((n + 2 * m) * width**2, (n + m) * width**2 // h, 2 * n * m * width, width**2 // h)
        lowered = (2 * n * m * width + n * m * h + n * width, 6 * n * m * width)
    return Fusion(c.fusion, *counted, *lowered, _part_by_hand(c))


def _part_by_hand(c: CmsfConfig) -> tuple[int, int, int]:
    """Both directions: coders, attention, projection, gated MLP on a sum of two spikes, which copies its first layer."""
    tokens, mlp = c.N + c.L, 3 * c.F * c.D
    neurons = tokens * c.D + tokens * (c.D + c.F + c.D)  # coders; projection, hidden, output
    hidden = tokens * 2 * c.F * c.D
    if c.fusion == "scca":
        neurons += tokens * 2 * c.D + 2 * c.combs * c.D
        attention = tokens * 2 * c.D**2 + tokens * c.D
    else:
        pairs = tokens**2 if c.fusion == "scsa" else 2 * c.N * c.L
        neurons += tokens * 4 * c.D
        attention = tokens * 3 * c.D**2 + 2 * pairs * c.D
    return neurons, attention + tokens * (c.D**2 + mlp), hidden


@pytest.mark.slow
def test_small_graphs_have_what_was_worked_out_by_hand() -> None:
    assert table_4(SMALL) == lines_by_hand(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        *(replace(SMALL, fusion=name) for name in FUSIONS),
        replace(SMALL, fusion="sca", L=6),
        replace(SMALL, fusion="scsa", N=2, L=3),
    ],
    ids=lambda config: f"{config.fusion}-{config.N}-{config.L}",
)
def test_small_fusions_have_what_was_worked_out_by_hand(config: CmsfConfig) -> None:
    assert fusion(config) == fusion_by_hand(config)


@pytest.mark.checkout
def test_the_page_is_made_of_what_was_worked_out_by_hand() -> None:
    """The command counts the graph of published size; the same by hand makes every byte of its page."""
    config = CONFIGS["paper"]
    fusions = [fusion_by_hand(replace(config, fusion=name)) for name in FUSIONS]
    assert PAGE.read_text() == page(lines_by_hand(config), fusions), f"make the page again: {COMMAND}"


def test_every_table_of_printed_numbers_says_where_they_stand() -> None:
    tables = [PRINTED[name] for name in ("cmsf", "spikeclip", "snnergy")]
    tables += [*PRINTED["networks"].values(), *PRINTED["logs"].values()]
    assert len(tables) == 9
    assert all(len(table["source"]) > 10 for table in tables)
    assert set(PRINTED) == {"cmsf", "spikeclip", "snnergy", "networks", "logs"}


def test_printed_energies_are_the_formula_s() -> None:
    """Within the rounding of what is printed: 0.005 G of operations and the last digit of the energy."""
    found = {network.name: network for network in networks()}
    assert len(found) == 13
    for name, network in found.items():
        two_decimals = name.startswith("Spikingformer")
        assert abs(network.ours_mj - network.printed_mj) < (
            Fraction(95, 10_000) if two_decimals else Fraction(1, 1000)
        ), name
    assert round(found["Spikformer-4-384, CIFAR-10"].ours_mj, 12) == round(Fraction("0.24570254547754208"), 12)


def test_widths_384_and_768_of_spikformer_are_charged_the_convolution_of_512() -> None:
    """3 x 3 x 3 inputs, 64 kernels of 224 x 224 outputs, 4 steps; their own have 48 and 96."""
    taps = 4 * 27 * 224 * 224
    found = {network.name: network for network in networks()}
    for name, kernels in (("Spikformer-8-384", 48), ("Spikformer-8-512", 64), ("Spikformer-8-768", 96)):
        network = found[name]
        held = (network.printed_mj - network.operations * Fraction(9, 10)) / MAC
        assert round(held / taps) == 64
        assert (network.charged, network.own) == (64 * taps, kernels * taps)


@pytest.mark.parametrize("name", PRINTED["logs"])
def test_logs_follow_layer_by_layer(name: str) -> None:
    """Dense operations exactly; accumulations as exactly as rates are printed, or as a last batch weighs too much."""
    log, found = PRINTED["logs"][name], logged(name)
    dense = {"first": found[0], "qkv": found[2], "proj": found[3], "fc1": found[4], "fc2": found[5], "head": found[7]}
    for kind, layers in dense.items():
        steps, alike = 1 if kind == "head" else STEPS, 3 if kind == "qkv" else 1
        assert {steps * (flops // alike + layers.bias) for flops in layers.flops} == {log["dense"][kind]}, kind
    assert [STEPS * flops for flops in found[1].flops] == log["dense"]["stem"]
    even = 50_000 % log["batch"] == 0
    for layers in found:
        ours = operations(layers.ours + layers.biases)
        assert abs(ours / layers.printed - 1) < (Fraction(1, 10**7) if even else Fraction(2, 10**5)), layers.name
    energy = sum(millijoules(layers.ours + layers.biases) for layers in found)
    assert abs(energy - log["power"]) < (Fraction(1, 10**6) if even else Fraction(1, 10**4))


def test_a_stage_of_snnergy_by_hand() -> None:
    """CREMA-D, stage 1: 1,024 tokens of width 192 at (0.1304 + 0.1423) / 2, T = 6."""
    first, *_, last = blocks("CREMA-D")
    square = 1024 * 192**2
    assert (first.printed, first.attention, first.mlp) == (square, 4 * square + 4 * 1024 * 192, 8 * square)
    assert first.energies_mj[0] == AC * 6 * Fraction("0.13635") * square
    assert (last.fused, last.printed, last.size.width) == (False, 64**2 * 768, 768)


@pytest.mark.parametrize(("saving", "rate"), [(77, Fraction(529, 1800)), (78, Fraction(253, 900))])
def test_spikeclip_s_published_saving_is_a_firing_rate_of_28_to_29_percent(saving: int, rate: Fraction) -> None:
    """With T = 4, 1 - 4 R 0.9 / 4.6 saves 77 % at a rate of 29.4 %, 78 % at 28.1 %; by the formula 0.1 points less."""
    assert rate in spikeclip.rates()
    assert spikeclip.saving(rate) == 1 - 4 * rate * Fraction(9, 46) == Fraction(saving, 100)
    assert 0 < Fraction(saving, 100) - spikeclip.saving(rate, spikeclip.PIXELS) < Fraction(12, 10_000)
