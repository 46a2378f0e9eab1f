"""Turns: everyone once a round, the first round apart, short ones repeated, ratios inside rounds."""

from __future__ import annotations

import torch

from compile.benchmark.turns import Stopwatch, Times, one_thread, take_turns


def test_candidates_take_turns_and_the_first_round_does_not_count():
    order: list[str] = []

    def turn(name: str, seconds: list[float]):
        def run() -> float:
            order.append(name)
            return seconds.pop(0)

        return run

    times = take_turns({"a": turn("a", [9.0, 1.0, 2.0]), "b": turn("b", [9.0, 4.0, 2.0])}, 2)
    assert order == ["a", "b"] * 3
    assert times.seconds == {"a": (1.0, 2.0), "b": (4.0, 2.0)}


def test_ratios_are_medians_of_the_rounds_and_not_ratios_of_medians():
    times = Times({"a": (1.0, 2.0, 40.0), "b": (3.0, 2.0, 4.0)})
    assert times.median("a") == 2.0
    assert times.median("b") == 3.0
    assert times.ratio("a", "b") == 1.0
    assert times.ratio("b", "a") == 1.0


def test_what_is_short_is_repeated_and_counted_once():
    calls: list[None] = []
    watch = Stopwatch(lambda: calls.append(None))
    first = watch()
    before = len(calls)
    second = watch()
    assert before > 100
    assert len(calls) - before > 100
    assert min(first, second) > 0


def test_one_thread_ends_and_gives_the_threads_back():
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
            assert not torch.is_grad_enabled()
        assert torch.get_num_threads() == 2
        assert torch.is_grad_enabled()
    finally:
        torch.set_num_threads(1)
