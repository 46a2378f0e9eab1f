"""
SpikeCLIP's saving over its twin without spikes: under its own assumption, by its formula, and from counted events.

Assumed is one rate R for all operations, the same operations in the twin, each a multiplication, and T = 4.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from compile.energy import PUBLISHED_TABLES
from compile.energy.formula.arithmetic import ArithmeticWork
from models.zoo.page import grid
from models.zoo.row import PartRow, read_rows
from tests.reproduction.printed import PRINTED, millijoules
from tests.reproduction.text import percent, section

STEPS = 4
PIXELS = 1_272_384
"""Operations of the convolution of the image, which the formula multiplies once (`tests/published/facts.py`)."""
OPERATIONS = 897_798_720
"""Of the image encoder of published size, per step."""
ROWS = Path(__file__).parents[2] / "docs/zoo.jsonl"
TRAINED = "spikeclip-emoji-styles"
PRICES = ("price_per_event", "price_per_payload", "neuron_updates", "spike_generation")
"""Causes that lie in the chip's prices, none in the number of events."""
HEAD = """## SpikeCLIP, the saving over its twin

{source}.
"""
NOTES = """If every operation accumulates at one rate R, and the twin multiplies as often, the saving is 1 - T R E_AC / E_MAC* whatever the network. At
published size {pixels:,} of {operations:,} operations are of the image's convolution. The last three lines are of the trained encoder of
[the zoo](zoo.md); what differs most between its formula and its counted events:
{causes}.
"""


def saving(rate: Fraction, pixels: int = 0) -> Fraction:
    """What is saved when all accumulates at one rate but `pixels` operations, which are multiplied once."""
    first, *_, others = [row for row in PUBLISHED_TABLES["spikeclip"].rows if "conv" in row.kinds]
    charges = (first.charge(STEPS, rate, pixels), others.charge(STEPS, rate, OPERATIONS - pixels))
    spiking = sum((ArithmeticWork(*charge) for charge in charges), ArithmeticWork())
    return 1 - millijoules(spiking) / millijoules(ArithmeticWork(multiplications=Fraction(OPERATIONS)))


def rates() -> tuple[Fraction, ...]:
    """The rates that the printed savings are: linear in them."""
    return tuple((1 - saved) / (1 - saving(Fraction(1))) for saved in PRINTED["spikeclip"]["saving"])


def spikeclip() -> str:
    """The page's section."""
    least, most = (f"{float(saved):.0%}" for saved in PRINTED["spikeclip"]["saving"])
    found, part = rates(), _trained()
    ranges = {pixels: " to ".join(percent(saving(rate, pixels)) for rate in found) for pixels in (0, PIXELS)}
    printed_rates, rate = " to ".join(map(percent, found)), Fraction(part.operand_rate)
    rows = [
        ("printed", "", f"{least} to {most}"),
        ("every operation at one rate*", printed_rates, ranges[0]),
        ("by the formula, at published size", printed_rates, ranges[PIXELS]),
        ("trained encoder, every operation at its mean rate", percent(rate), percent(saving(rate))),
        ("trained encoder, by the formula", "", percent(1 - part.formula_pj / part.twin_pj)),
        (
            "trained encoder, counted events and host at the same prices",
            "",
            percent(1 - part.arithmetic_pj / part.twin_pj),
        ),
    ]
    notes = NOTES.format(pixels=PIXELS, operations=OPERATIONS, causes=_causes(part))
    return section(HEAD.format(source=PRINTED["spikeclip"]["source"]), grid(("", "R", "saving"), rows), notes)


def _trained() -> PartRow:
    """The image encoder that comes trained, as the zoo has measured it."""
    (part,) = (part for part in read_rows(ROWS)[TRAINED].parts if part.name == "image")
    return part


def _causes(part: PartRow) -> str:
    counting = [cause for cause in part.causes_pj.items() if cause[0] not in PRICES]
    largest = sorted(counting, key=lambda cause: -abs(cause[1]))[:4]
    return ", ".join(f"{name.replace('_', ' ')} {picojoules / 1e6:+.3g} uJ" for name, picojoules in largest)
