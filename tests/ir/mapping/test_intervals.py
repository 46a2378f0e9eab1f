"""Intervals say of numbers on cores what sets say of them."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.intervals import Intervals, Names

NUMBERS = 40


def drawn(generator: np.random.Generator, count: int) -> Intervals:
    """Intervals on four cores, overlapping, next to one another and repeated."""
    first = generator.integers(0, NUMBERS, count)
    return Intervals(
        generator.integers(0, 4, count), first, np.minimum(first + generator.integers(1, 9, count), NUMBERS)
    )


def pairs(intervals: Intervals) -> list[tuple[int, int]]:
    """(core, number), one by one."""
    columns = zip(intervals.cores.tolist(), intervals.first.tolist(), intervals.end.tolist(), strict=True)
    return [(core, number) for core, first, end in columns for number in range(first, end)]


@pytest.mark.parametrize("seed", range(20))
def test_each_once_is_the_set_in_order_and_in_few_intervals(seed: int):
    generator = np.random.default_rng(seed)
    intervals = drawn(generator, seed)
    once = intervals.each_once()
    assert pairs(once) == sorted(set(pairs(intervals)))
    together = {(core, number + 1) for core, number in pairs(once)}
    assert len(once.cores) == sum(pair not in together for pair in pairs(once))
    assert once.lengths.sum() == len(pairs(once))


@pytest.mark.parametrize("seed", range(20))
def test_counts_are_of_the_cores_of_every_number(seed: int):
    once = drawn(np.random.default_rng(seed), 12).each_once()
    expected = [sum(number == found for _, found in pairs(once)) for number in range(NUMBERS)]
    assert once.count_by_number(NUMBERS).tolist() == expected


@pytest.mark.parametrize("seed", range(20))
def test_names_are_given_one_by_one(seed: int):
    generator = np.random.default_rng(seed)
    names = np.concatenate([np.arange(5, 15), [0, 0, 1, 2], generator.integers(0, 9, NUMBERS - 14)])
    intervals = drawn(generator, 12)
    expected = [(core, int(names[number])) for core, number in pairs(intervals) if names[number]]
    assert pairs(intervals.renamed(Names(names))) == expected


def test_parts_are_joined_as_they_are():
    one = Intervals.of_numbers(np.array([1, 0]), np.array([3, 4]))
    assert pairs(Intervals.joined([one, one])) == [(1, 3), (0, 4), (1, 3), (0, 4)]
    assert pairs(Intervals.joined([]).each_once()) == []
