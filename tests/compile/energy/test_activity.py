"""Which samples energies are of, in words."""

from __future__ import annotations

from backends.trace import Events
from compile.energy.activity import Activity


def test_samples_in_words():
    assert Activity(Events(1000, 2), {}).samples == "1,000 samples"
    assert Activity(Events(1000, 2), {}, whole=True).samples == "the whole test set, 1,000 samples"
