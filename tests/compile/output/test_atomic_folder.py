"""Outputs appear whole or not at all, and nothing of the user's is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from compile.output import atomic_folder as module
from compile.output.atomic_folder import atomic_folder, check_folder, check_places
from compile.output.exchange import exchange
from ir.errors import CompileError

NAMES = ("network.nir", "outputs.npz", "report.json")
REPORT = json.dumps({"schema": "spike-compiler-report/2", "files": [*NAMES, "lowered.nir", "ir/00_old.txt"]})


def _write(folder: Path, *parts: str) -> None:
    """What a run of these parts writes, each file with the names of all of them in it."""
    names: list[str] = []
    for part in parts:
        own = ("network.nir", "lowered.nir", "outputs.npz", "ir/00_trace.txt", f"ir/12_{part}.txt")
        names += [name if len(parts) == 1 else f"{part}/{name}" for name in own]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(str(parts))
    report = {"schema": "spike-compiler-report/2", "files": ["report.json", *names]}
    (folder / "report.json").write_text(json.dumps(report))


def _run(out: Path, *parts: str) -> None:
    with atomic_folder(out) as folder:
        _write(folder, *parts)


def _contents(folder: Path) -> dict[str, str]:
    """Every file, folder and link below a folder, with its text or where it points."""
    found: dict[str, str] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        found[name] = os.readlink(path) if path.is_symlink() else "" if path.is_dir() else path.read_text()
    return found


def test_appears_whole(tmp_path: Path):
    with atomic_folder(tmp_path / "deep" / "out") as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "deep" / "out").exists()
    assert (tmp_path / "deep" / "out" / "a.txt").read_text() == "a"
    assert [item.name for item in (tmp_path / "deep").iterdir()] == ["out"]


def test_nothing_appears_after_a_failure(tmp_path: Path):
    def interrupted() -> None:
        with atomic_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_an_interrupt_right_after_a_folder_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
):
    out = tmp_path / "out"
    if exists:
        out.mkdir()
    real = Path.mkdir

    def interrupted(path: Path, **options: Any) -> None:
        real(path, **options)
        if path.name.endswith(".spike-compile"):
            raise KeyboardInterrupt

    for user in (check_folder, lambda target: atomic_folder(target).__enter__()):
        monkeypatch.setattr(Path, "mkdir", interrupted)
        with pytest.raises(KeyboardInterrupt):
            user(out)
        monkeypatch.undo()
        assert sorted(tmp_path.rglob("*")) == ([out] if exists else [])


def test_second_run_keeps_the_users_files(tmp_path: Path):
    out = tmp_path / "out"
    (out / "ir").mkdir(parents=True)
    (out / "ir" / "00_old.txt").write_text("old")
    (out / "lowered.nir").write_text("stale: this run says why there is none")
    (out / "report.json").write_text(REPORT)
    (out / "mine.txt").write_text("mine")
    with atomic_folder(out) as folder:
        (folder / "ir").mkdir()
        (folder / "ir" / "00_new.txt").write_text("new")
    assert (out / "mine.txt").read_text() == "mine"
    assert [item.name for item in (out / "ir").iterdir()] == ["00_new.txt"]
    assert sorted(item.name for item in out.iterdir()) == ["ir", "mine.txt"]


@pytest.mark.parametrize("first", [("image", "text", "fusion"), ("image",), ("text", "fusion")])
@pytest.mark.parametrize("second", [("image", "text", "fusion"), ("image",), ("text", "image")])
def test_a_second_run_leaves_nothing_of_the_first(tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...]):
    _run(tmp_path / "again", *first)
    _run(tmp_path / "again", *second)
    _run(tmp_path / "once", *second)
    assert _contents(tmp_path / "again") == _contents(tmp_path / "once")


def test_what_a_user_put_into_the_folders_of_a_run_stays(tmp_path: Path):
    _run(tmp_path, "image", "text")
    mine = (
        "image/notes.txt",
        "image/ir/10_my_diff.txt",
        "text/ir/00_links",
        "mine/image/network.nir",
        "ir/00_trace.txt",
    )
    for name in mine:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    _run(tmp_path, "image", "fusion")
    assert {name: text for name, text in _contents(tmp_path).items() if text == "mine"} == dict.fromkeys(mine, "mine")
    assert {item.name for item in (tmp_path / "text").rglob("*")} == {"ir", "00_links"}


HOSTILE = (
    "",
    REPORT[:-2],
    "[" * 100_000,
    "[1]",
    '{"schema": 1, "files": []}',
    '{"schema": "spike-compiler-report/1", "parts": [{"name": "net"}]}',
    REPORT.replace("spike", "another"),
    REPORT.replace('"outputs.npz"', "3"),
)


@pytest.mark.parametrize("report", HOSTILE)
def test_a_broken_or_hostile_report_makes_nothing_ours(tmp_path: Path, report: str):
    for folder in ("mine", "out/a", "out"):
        (tmp_path / folder).mkdir(exist_ok=True, parents=True)
        (tmp_path / folder / "network.nir").write_text("mine")
    (tmp_path / "out" / "report.json").write_text(report)
    before = _contents(tmp_path)
    with pytest.raises(CompileError, match=r"out\.exists"):
        _run(tmp_path / "out", "image")
    assert _contents(tmp_path) == before


def test_a_report_that_names_odd_folders_reaches_no_other_file(tmp_path: Path):
    _run(tmp_path / "out", "image", "text")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "network.nir").write_text("mine")
    (tmp_path / "out" / "photos").symlink_to(tmp_path / "mine")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    text = [name for name in report["files"] if name.startswith("text")]
    odd = ["../mine/network.nir", "photos/network.nir", "image/../network.nir", "x" * 300 + "/network.nir"]
    (tmp_path / "out" / "report.json").write_text(json.dumps({**report, "files": ["report.json", *text, *odd]}))
    before = _contents(tmp_path)
    _run(tmp_path / "out", "words")
    after = _contents(tmp_path)
    gone = {f"out/text{name}" for name in ("", "/ir", "/ir/00_trace.txt", "/ir/12_text.txt")}
    gone |= {f"out/text/{name}" for name in ("network.nir", "lowered.nir", "outputs.npz")}
    assert before.keys() - after.keys() == gone
    assert after["mine/network.nir"] == "mine"


@pytest.mark.parametrize("name", ["report.json", "ir", "image", "image/ir", "image/network.nir"])
def test_no_file_is_written_through_a_link_or_in_its_place(tmp_path: Path, name: str):
    _run(tmp_path / "out", "image", "text")
    out, kept = tmp_path / "out", tmp_path / "kept"
    if (out / name).exists():
        (out / name).rename(kept)
    else:
        kept.mkdir()
    (out / name).symlink_to(kept)
    before = _contents(tmp_path)
    with pytest.raises(CompileError, match=r"out\.exists"):
        _run(out, *(("image",) if name == "ir" else ("image", "text")))
    assert _contents(tmp_path) == before


def test_an_interrupt_at_any_move_leaves_the_earlier_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _run(tmp_path, "image", "text")
    (tmp_path / "image" / "notes.txt").write_text("mine")
    before, real = _contents(tmp_path), os.rename
    for last in range(11 + 6):
        left = iter(range(last))

        def interrupted(old: Path, new: Path, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                monkeypatch.undo()
                raise KeyboardInterrupt
            real(old, new)

        monkeypatch.setattr(os, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, "words")
        assert _contents(tmp_path) == before


def test_a_users_file_is_never_replaced(tmp_path: Path):
    (tmp_path / "outputs.npz").write_text("mine")

    def run() -> None:
        with atomic_folder(tmp_path) as folder:
            (folder / "a.txt").write_text("a")
            (folder / "outputs.npz").write_text("ours")

    with pytest.raises(CompileError, match=r"out\.exists"):
        run()
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("outputs.npz", "mine")]


def test_a_move_that_fails_leaves_the_earlier_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in NAMES:
        (tmp_path / name).write_text(REPORT)
    (tmp_path / "mine.txt").write_text("mine")
    real, done = os.rename, []

    def interrupted(old: Path, new: Path) -> None:
        done.append(new)
        if len(done) == 5:  # after the three old ones and the first new one
            raise KeyboardInterrupt
        real(old, new)

    def run() -> None:
        with atomic_folder(tmp_path) as folder:
            for name in NAMES:
                (folder / name).write_text("new")
            monkeypatch.setattr(os, "rename", interrupted)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert {item.name: item.read_text() for item in tmp_path.iterdir()} == dict.fromkeys(NAMES, REPORT) | {
        "mine.txt": "mine"
    }


def test_no_space_left_is_one_error(tmp_path: Path):
    with pytest.raises(CompileError, match="No space left"), atomic_folder(tmp_path / "out") as folder:
        raise OSError(28, "No space left on device", str(folder / "x"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_a_folder(tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CompileError, match=r"out\.file"), atomic_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_below_a_file_is_one_error(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CompileError, match=r"out\.write"), atomic_folder(tmp_path / "file" / "out"):
        pass


def test_an_error_names_the_place_that_the_user_knows(tmp_path: Path):
    def run(error: Exception) -> None:
        with atomic_folder(tmp_path / "out") as folder:
            error.__dict__["where"] = str(folder / "network.nir")
            raise error

    with pytest.raises(CompileError) as caught:
        run(CompileError("nir.write", "cannot write"))
    assert caught.value.where == str(tmp_path / "out" / "network.nir")
    with pytest.raises(CompileError, match="File name too long") as caught, atomic_folder(tmp_path / "out") as folder:
        (folder / ("x" * 300)).write_text("")
    assert caught.value.where == str(tmp_path / "out" / ("x" * 300))
    for target in (Path("/proc"), Path("/proc/none")):  # no hidden folder can be made
        with pytest.raises(CompileError, match=r"out\.write") as caught, atomic_folder(target):
            pass
        assert caught.value.where == str(target)


def test_what_is_in_the_way_is_told_beforehand(tmp_path: Path):
    _run(tmp_path, "net")
    check_places(tmp_path, [Path("report.json"), Path("ir"), Path("network.nir")])
    (tmp_path / "lowered.txt").write_text("mine")
    with pytest.raises(CompileError, match=r"lowered\.txt exists, and no report\.json there lists it"):
        check_places(tmp_path, [Path("lowered.txt")])


def _inode(folder: Path) -> int:
    return folder.stat().st_ino


def test_a_folder_without_files_of_others_is_replaced_in_one_step(tmp_path: Path):
    out = tmp_path / "out"
    _run(out, "image", "text")
    out.chmod(0o750)
    before = _inode(out)
    _run(out, "words")
    assert _inode(out) != before, "needs a file system with renameat2"
    assert out.stat().st_mode & 0o777 == 0o750
    assert not (out / "image").exists()
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_in_which_somebody_is_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "out"
    _run(out, "image", "text")
    before = _inode(out)
    monkeypatch.chdir(out)
    _run(Path("."), "words")
    assert _inode(out) == before
    (tmp_path / "link").symlink_to(out)
    _run(tmp_path / "link", "image")
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"link", "out"}


@pytest.mark.parametrize("fault", ["no exchange", "another file system", "another run", "a late file"])
def test_where_folders_cannot_swap_files_move_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str):
    out, rename = tmp_path / "out", os.rename
    _run(out, "image", "text")
    before = _inode(out)

    def mounted(old: Path, new: Path) -> None:
        if ".out.spike-compile" in str(new):
            raise OSError(18, "Invalid cross-device link")
        rename(old, new)

    def late(first: Path, second: Path) -> bool:
        if not (second / "mine.txt").exists() and not (first / "mine.txt").exists():
            (second / "mine.txt").write_text("mine")
        return exchange(first, second)

    if fault == "no exchange":
        monkeypatch.setattr(module, "exchange", lambda *_: False)
    elif fault == "another file system":
        monkeypatch.setattr(os, "rename", mounted)
    elif fault == "a late file":
        monkeypatch.setattr(module, "exchange", late)
    with module.held(module.beside(out), out) if fault == "another run" else nullcontext():
        _run(out, "words")
    _run(tmp_path / "once", "words")
    assert _inode(out) == before
    late_file = {"mine.txt": "mine"} if fault == "a late file" else {}
    assert _contents(out) == _contents(tmp_path / "once") | late_file
    assert {path.name for path in tmp_path.iterdir()} == {"out", "once"}


def test_runs_at_once_wait_for_each_other(tmp_path: Path):
    """One folder of four processes: in the end it is of one of them, whole."""
    children = [os.fork() or _run_and_exit(tmp_path / "out", f"part{number}") for number in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    (part,) = {text for text in _contents(tmp_path / "out").values() if text.startswith("(")}
    _run(tmp_path / "once", part.split("'")[1])
    assert _contents(tmp_path / "out") == _contents(tmp_path / "once")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "once"}


def _run_and_exit(out: Path, part: str) -> int:
    try:
        for _ in range(10):
            _run(out, part)
        os._exit(0)
    finally:
        os._exit(1)
