"""The hidden folder of a run: beside a folder that is to come, inside one that exists, and swept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compile.output.journal import NEW
from compile.output.staging import LOCK, beside, held, inside, staging
from ir.errors import CompileError


def test_it_lies_beside_what_is_to_come_and_inside_what_is_there(tmp_path: Path):
    target = tmp_path / "deep" / "out"
    with staging(target) as new:
        assert new == beside(target) / NEW
        assert not target.exists()
    target.mkdir()
    with staging(target) as new:
        assert new == inside(target) / NEW
    assert [*target.parent.rglob("*")] == [target]


@pytest.mark.parametrize("where", [beside, inside])
@pytest.mark.parametrize("left", [(), (LOCK,), (LOCK, f"{NEW}/ir/00_a.txt")])
def test_what_a_killed_run_left_is_swept(tmp_path: Path, where: Callable[[Path], Path], left: tuple[str, ...]):
    target = tmp_path / "out"
    target.mkdir()
    where(target).mkdir()
    for name in left:
        (where(target) / name).parent.mkdir(parents=True, exist_ok=True)
        (where(target) / name).write_text("")
    with staging(target) as new:
        assert not list(new.iterdir())
    assert [*tmp_path.rglob("*")] == [target]


def test_what_a_living_run_holds_is_left_alone(tmp_path: Path):
    with staging(tmp_path / "out") as new:
        (new / "a.txt").write_text("a")
        with pytest.raises(CompileError, match=r"out\.busy"), held(new.parent, tmp_path / "out", patience=0):
            pass
        assert (new / "a.txt").read_text() == "a"


def test_a_folder_of_the_user_s_with_that_name_stays(tmp_path: Path):
    inside(tmp_path).mkdir()
    (inside(tmp_path) / "mine.txt").write_text("mine")
    with staging(tmp_path):
        pass
    assert [path.name for path in inside(tmp_path).iterdir()] == ["mine.txt"]


def test_one_that_left_with_the_folder_around_it_is_not_mistaken_for_the_next(tmp_path: Path):
    target = tmp_path / "out"
    target.mkdir()
    with staging(target):
        target.rename(tmp_path / "gone")
        inside(target).mkdir(parents=True)
        (inside(target) / LOCK).write_text("of another run")
    assert (inside(target) / LOCK).read_text() == "of another run"
