"""What changed between two runs: exactly what was changed, and nothing else."""

from __future__ import annotations

from typing import Any

from compile.report.comparison.differences import RunComparison, compare
from compile.report.comparison.fact import Fact
from compile.report.comparison.saved_report import SavedReport, read_reports


def compared(*places: Any) -> RunComparison:
    return compare(*read_reports(places))


def test_runs_that_found_the_same_do_not_differ(changed):
    def later(content):
        content["seconds"] = {name: 2 * own for name, own in content["seconds"].items()}
        content["files"] = ["report.json"]

    assert compared(changed("one"), changed("other", later)).is_equal


def test_what_was_changed_is_named(changed):
    def change(content):
        content["versions"]["torch"] = "9.9"
        content["options"]["fit"] = "warn"
        content["warnings"] = ["lif2 never fires"]
        part = content["parts"][0]
        part["spikes"].update(kept=26)
        part["layers"][0].update(rate=0.140625)
        part["quantization"][1].update(limit="")
        part["chip"]["layers"][1]["cores"] = 3

    comparison = compared(changed("one"), changed("other", change))
    told = [(each.place, each.name, each.before.value, each.after.value) for each in comparison.differences]
    rates = (0.07386363636363637, (0.140625 * 8 + 3 / 48) / 11)
    torch = comparison.before.groups["versions"]["torch"].value
    assert told == [
        ("options", "fit", None, "warn"),
        ("versions", "torch", torch, "9.9"),
        ("result", "warnings", 0, 1),
        ("spikes", "kept", 13, 26),
        ("spikes", "rate", *rates),
        ("integers", "exact", "0 of 2", "1 of 2"),
        ("lif1", "rate", 0.09375, 0.140625),
        ("lif2", "exact", "weights", "yes"),
        ("lif2", "cores", 1, 3),
    ]
    kept = comparison.differences[3]
    assert (kept.change, kept.relative) == (Fact(13), 1.0)
    cells = {(row[0], row[1]): row[2:] for row in comparison.sheet().rows}
    assert cells["spikes", "kept"] == ["13", "26", "+13", "+100 %"]
    assert cells["lif1", "rate %"] == ["9.375", "14.06", "+4.688", "+50.0 %"]
    assert cells["options", "fit"] == ["-", "warn", "-", "-"]
    assert comparison.alone == {"other": ["warning lif2 never fires"]}


def test_the_other_way_round_the_signs_turn(both: list[SavedReport]):
    there, back = compare(*both), compare(*reversed(both))
    assert len(there.differences) == len(back.differences) > 10
    for one, other in zip(there.differences, back.differences, strict=True):
        assert (one.place, one.name, one.before, one.after) == (other.place, other.name, other.after, other.before)
        if one.change.number is not None:
            assert one.change.number == -(other.change.number or 0)


def test_nothing_is_relative_to_nothing(changed):
    comparison = compared(
        changed("one"), changed("other", lambda content: content["parts"][0]["spikes"].update(lost=4))
    )
    lost = next(each for each in comparison.differences if each.name == "lost")
    assert lost.relative is None
    assert lost.cells() == ["lost", "0", "4", "+4", "-"]


def test_parts_and_layers_of_one_run_alone_are_listed(changed):
    def second(content):
        part = content["parts"][0]
        content["parts"].append({**part, "name": "text"})
        part["layers"] = [*part["layers"], {**part["layers"][0], "name": "lif3"}]

    comparison = compared(changed("one"), changed("other", second))
    assert (comparison.only_before, comparison.only_after) == ([], ["layer network: lif3", "part text"])
    assert ("size", "neurons") in {(each.place, each.name) for each in comparison.differences}
    again = compared(changed("third", second), changed("fourth", second))
    assert again.is_equal


def test_single_parts_are_compared_whatever_their_names(changed):
    def renamed(content):
        content["parts"][0]["name"] = "image"
        content["parts"][0]["layers"][1]["neurons"] = 5

    comparison = compared(changed("one"), changed("other", renamed))
    assert ("lif2", "neurons") in {(each.place, each.name) for each in comparison.differences}
    assert not comparison.alone


def test_each_part_is_compared_where_there_are_several(changed):
    def two(kept: int):
        def change(content):
            part = content["parts"][0]
            content["parts"] = [part, {**part, "name": "text", "spikes": {**part["spikes"], "kept": kept}}]

        return change

    comparison = compared(changed("one", two(13)), changed("other", two(14)))
    assert [(each.place, each.name, each.change.value) for each in comparison.differences] == [
        ("spikes", "kept", 1),
        ("text: spikes", "kept", 1),
    ]
