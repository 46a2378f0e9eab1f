"""A run that is killed before any of its steps leaves one whole run to the next one, the user's files, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from compile.benchmark.table import Benchmark, Table, write_benchmark
from compile.output.atomic_folder import atomic_folder, check_folder
from compile.output.journal import JOURNAL, NEW, OLD, move_in, settle
from compile.output.staging import NAME
from tests.killing import every_kill, killed_before

ONE, THREE = ("net",), ("a", "b", "c")
Runs = Sequence[Sequence[str]]
"""The parts of one run after the other."""
EVERY = 7
"""Of the first kills that are killed in their mending: all of them take half a minute."""


def folders(parts: Sequence[str]) -> list[str]:
    return ["" if len(parts) == 1 else f"{part}/" for part in parts]


def run(out: Path, number: int, parts: Sequence[str]) -> None:
    """What a run writes, with its number in every file."""
    names = [f"{folders(parts)[0]}ir/00_a.txt", *(f"{folder}network.nir" for folder in folders(parts))]
    with atomic_folder(out) as folder:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(str(number))
        report = {"schema": "spike-compiler-report/2", "number": number, "files": ["report.json", *names]}
        (folder / "report.json").write_text(json.dumps(report))


def contents(folder: Path) -> dict[str, str]:
    """Every file and folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in folder.rglob("*")}


def files(folder: Path) -> dict[str, str]:
    """Without the hidden ones."""
    return {name: text for name, text in contents(folder).items() if text and NAME not in name}


def some(runs: Runs) -> list[str]:
    """Files of the user's: one more in a folder of ours, too, where there is one."""
    return ["mine.txt", *(f"{folders(parts)[0]}ir/10_my_diff.txt" for parts in runs[-2:-1])]


def prepare(home: Path, runs: Runs, mine: Sequence[str]) -> None:
    """Make what all runs but the last leave, with the user's files."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for number, parts in enumerate(runs[:-1]):
        run(home / "out", number, parts)
    for name in mine:
        (home / "out").mkdir(exist_ok=True)
        (home / "out" / name).write_text("mine")


def before_and_after(home: Path, runs: Runs, mine: Sequence[str]) -> list[dict[str, str]]:
    """What is there before the last run, and after it."""
    prepare(home, runs, mine)
    before = contents(home)
    run(home / "out", len(runs) - 1, runs[-1])
    return [before, contents(home)]


FAST: list[Runs] = [(ONE,), (ONE, ONE)]
SLOW: list[Runs] = [(THREE,), (ONE, THREE), (THREE, ONE), (THREE, THREE), (ONE, ONE, ONE), (THREE, ONE, THREE)]
SEQUENCES = [*FAST, *(pytest.param(runs, marks=pytest.mark.slow) for runs in SLOW)]


@pytest.mark.parametrize("others", ["others", "alone"])
@pytest.mark.parametrize("runs", SEQUENCES)
def test_a_kill_before_any_step_leaves_one_whole_run(tmp_path: Path, runs: Runs, others: str):
    home, last, mine = tmp_path / "home", len(runs) - 1, some(runs) if others == "others" else []
    whole = before_and_after(home, runs, mine)
    shown = [{name: text for name, text in each.items() if text} for each in whole]

    def scene() -> Callable[[], None]:
        prepare(home, runs, mine)
        return partial(run, home / "out", last, runs[-1])

    for step in every_kill(scene, every=3 if runs in SLOW else 1):
        left = files(home)
        assert {name for name, text in whole[0].items() if text == "mine"} <= left.keys()
        if "out/report.json" in left:
            assert left in shown, f"step {step}: a report of a mixed folder"
        check_folder(home / "out")
        assert contents(home) in whole, f"step {step}"
        run(home / "out", last, runs[-1])
        assert contents(home) == whole[1], f"step {step}"


@pytest.mark.slow
@pytest.mark.parametrize("runs", [(ONE, ONE), (ONE, THREE), (THREE, ONE)])
def test_a_kill_of_what_mends_a_kill(tmp_path: Path, runs: Runs):
    home, mine = tmp_path / "home", some(runs)
    whole = before_and_after(home, runs, mine)
    for first in range(0, 1000, EVERY):
        for second in range(1000):
            prepare(home, runs, mine)
            if not killed_before(first, partial(run, home / "out", 1, runs[1])):
                return
            if not killed_before(second, partial(check_folder, home / "out")):
                break
            check_folder(home / "out")
            assert contents(home) in whole, f"steps {first}, {second}"


def test_the_tables_of_a_benchmark_are_of_one_run(tmp_path: Path):
    def bench(number: int) -> Callable[[], None]:
        return partial(
            write_benchmark, tmp_path / "out", Benchmark({"run": str(number)}, [Table("t", ("a",), ((number,),))])
        )

    for with_others in (False, True):

        def scene(with_others: bool = with_others) -> Callable[[], None]:
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            bench(1)()
            if with_others:
                run(tmp_path / "out", 0, ONE)
            return bench(2)

        for _ in every_kill(scene):
            check_folder(tmp_path / "out")
            kept = contents(tmp_path / "out")
            assert ("run: 1" in kept["benchmark.md"]) == ('"run": "1"' in kept["benchmark.json"])
            bench(2)()
            others = {"ir", "ir/00_a.txt", "network.nir", "report.json"} if with_others else set[str]()
            assert contents(tmp_path).keys() == {
                "out",
                *(f"out/{name}" for name in {"benchmark.md", "benchmark.json"} | others),
            }


def test_a_journal_that_is_not_whole_moved_nothing(tmp_path: Path):
    """It is written before the first move, so that there is nothing to undo."""
    stage, target = tmp_path / "stage", tmp_path / "target"
    for folder in (stage / NEW, target):
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(folder.name)
    move_in(stage, target, [Path("report.json")], [Path("report.json")], Path("report.json"))
    journal = (stage / JOURNAL).read_text()
    for length in range(len(journal)):
        (stage / NEW).mkdir(exist_ok=True)
        (stage / NEW / "report.json").write_text("newer")
        (stage / JOURNAL).write_text(journal[:length])
        settle(stage, target)
        assert contents(target) == {"report.json": "new"}
        assert contents(stage) == {}


def test_what_the_user_puts_in_place_of_an_old_file_stays(tmp_path: Path):
    stage, target = tmp_path / "stage", tmp_path / "target"
    files = [Path("network.nir"), Path("report.json")]
    for folder in (stage / OLD, stage / NEW, target):
        folder.mkdir(parents=True)
    for file in files:
        (stage / OLD / file).write_text("old")
        (stage / NEW / file).write_text("new")
    (stage / JOURNAL).write_text(json.dumps({"out": [*map(str, files)], "in": [*map(str, files)]}))
    (target / "network.nir").write_text("mine")
    settle(stage, target)
    assert contents(target) == {"network.nir": "mine", "report.json": "old"}
