"""Values of spikes alone, and values that hold payloads, counts or analog inputs."""

from __future__ import annotations

import pytest

from ir.analysis.spike_sources import made_of_spikes
from ir.text import parse_graph

TEXT = """graph g steps=2
  %s = input() {type='spike[3]'} : spike[3]
  %c = input() {type='count<2>[3]'} : count<2>[3]
  %x = input() {type='real[3]'} : real[3]
  %twice = add(%s, %s) : count<2>[3]
  %half = scale(%twice) {factor=0.5} : current[3]
  %late = delay(%half) {steps=1} : current[3]
  %of_counts = scale(%c) {factor=0.5} : current[3]
  %of_both = add(%half, %of_counts) : current[3]
  %membrane = leaky(%late) {decay=0.5} : graded<24>[3]
  %of_membrane = scale(%membrane) {factor=0.5} : current[3]
  output y = %of_membrane
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s", True),
        ("twice", True),
        ("late", True),
        ("c", False),
        ("x", False),
        ("of_both", False),
        ("of_membrane", False),
    ],
)
def test_by_hand(name: str, expected: bool):
    assert made_of_spikes(parse_graph(TEXT, {}), name) == expected
