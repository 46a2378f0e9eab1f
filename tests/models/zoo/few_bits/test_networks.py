"""The schedule: three seeds where there is a goal, first seeds first."""

from __future__ import annotations

from models.zoo.few_bits.networks import EPOCHS, GOALS, LONGER, NETWORKS, SEEDS, quantized_runs, runs_at


def test_goals_have_three_seeds_and_every_number_of_bits_a_schedule() -> None:
    assert {bits for bits, seeds in SEEDS.items() if seeds == 3} == {goal.bits for goal in GOALS}
    assert SEEDS.keys() == EPOCHS.keys()
    for (name, bits), epochs in LONGER.items():
        assert {run.epochs for run in runs_at(NETWORKS[name], bits)} == {epochs}
        assert epochs > EPOCHS[bits]


def test_first_seeds_come_first_and_among_them_those_with_a_goal() -> None:
    runs = quantized_runs(["taaf-av-digits", "cmsf-digits"])
    assert [(run.floats.seed, run.bits) for run in runs[:10]] == [(0, bits) for bits in (8, 4, 2, 8, 4, 2, 6, 3, 6, 3)]
    assert {run.floats.seed for run in runs[10:]} == {1, 2}
    assert len(runs) == 2 * sum(SEEDS.values())


def test_every_trained_network_is_there() -> None:
    assert all(run.floats.integers for run in quantized_runs([*NETWORKS]))
