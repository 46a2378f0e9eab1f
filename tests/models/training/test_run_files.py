"""The files of a run: whole or as they were, and never an earlier run's without being asked."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models.training.run_files import RunFiles, read_json_lines
from models.training.training_error import TrainingError
from tests.killing import every_kill


def _files(folder: Path) -> RunFiles:
    return RunFiles(folder / "w.pt")


def test_names_of_the_log_and_the_state_are_no_names_of_weights(tmp_path: Path) -> None:
    for name in ("w.jsonl", "w.state"):
        with pytest.raises(TrainingError, match="call the weights"):
            RunFiles(tmp_path / name)


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    _files(tmp_path / "a" / "b").check(resume=False, force=False)
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("left", ["w.pt", "w.jsonl", "w.state"])
def test_what_an_earlier_run_left_is_in_the_way(left: str, tmp_path: Path) -> None:
    (tmp_path / left).write_text("kept")
    with pytest.raises(TrainingError, match=left.replace(".", r"\.")) as caught:
        _files(tmp_path).check(resume=False, force=False)
    assert ("--resume" in str(caught.value)) == (left == "w.state")
    _files(tmp_path).check(resume=False, force=True)
    assert (tmp_path / left).read_text() == "kept"


def test_a_device_is_no_place_for_weights(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.pt")
    with pytest.raises(TrainingError, match=r"w\.pt: a folder or a device is there"):
        _files(tmp_path).check(resume=False, force=True)
    assert _files(tmp_path).weights.is_fifo()


def test_a_name_that_has_no_room_for_more_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="File name too long"):
        RunFiles(tmp_path / f"{250 * 'w'}.pt").check(resume=False, force=False)


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no"):
        _files(tmp_path).check(resume=True, force=False)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_a_broken_state_is_no_traceback(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.state").write_bytes(content)
    with pytest.raises(TrainingError, match="no state of a run"):
        _files(tmp_path).read_state({})


def test_a_state_belongs_to_its_settings(tmp_path: Path) -> None:
    files = _files(tmp_path)
    files.write_state({"seed": 1, "sizes": (2, 3)}, {"epoch": 4})
    assert files.read_state({"seed": 1, "sizes": (2, 3)})["epoch"] == 4
    with pytest.raises(TrainingError, match=r"other settings \(seed\)"):
        files.read_state({"seed": 2, "sizes": (2, 3)})


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    files = _files(tmp_path)
    files.write_log([{"epoch": 1}])

    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    files.write_weights(lambda path: torch.save({}, path))
    before = files.weights.read_bytes()
    with pytest.raises(TrainingError, match="No space left"):
        files.write_weights(broken)
    assert files.weights.read_bytes() == before
    assert json.loads(files.log.read_text()) == {"epoch": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.jsonl", "w.pt"]


def test_a_full_disk_is_one_error(tmp_path: Path) -> None:
    files = _files(tmp_path)
    with pytest.raises(TrainingError, match="cannot write"):
        files.write_weights(lambda _path: torch.save({"w": torch.zeros(10_000)}, "/dev/full"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 700, 1400])
def test_a_disk_that_is_full_after_some_bytes_leaves_what_was_there(room: int, tmp_path: Path) -> None:
    """torch writes the last bytes of a file without looking whether they arrive."""
    files, (soft, hard) = _files(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    _epoch(files, 0)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        state = lambda save: files.write_state({}, {"w": torch.zeros(99)})
        for write in (files.write_weights, files.write_first_weights, state):
            with pytest.raises(TrainingError, match=r"cannot write .*: is|end is missing"):
                write(lambda path: torch.save({"w": torch.zeros(99)}, path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("broken", ['{"epoch": 2', "3", '{"stage": 2}', "\xff"])
def test_a_broken_line_is_one_error_that_says_where(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    path.write_text('{"epoch": 1}\n')
    assert read_json_lines(path, lambda line: line["epoch"]) == [1]
    path.write_text('{"epoch": 1}\n' + broken)
    with pytest.raises(TrainingError, match="line 2 cannot be read"):
        read_json_lines(path, lambda line: line["epoch"])


def _epoch(files: RunFiles, epoch: int, first: bool = False) -> None:
    """What the loop writes after an epoch that is the best so far."""
    write = files.write_first_weights if first else files.write_weights
    write(lambda path: torch.save({"epoch": epoch}, path))
    files.write_log([{"epoch": number} for number in range(epoch + 1)])
    files.write_state({}, {"epoch": epoch})


def test_a_kill_before_any_step_leaves_files_from_which_the_run_goes_on(tmp_path: Path) -> None:
    files = _files(tmp_path)

    def scene() -> Callable[[], None]:
        _epoch(files, 0)
        return lambda: (_epoch(files, 1), files.end())[-1]

    for _ in every_kill(scene):
        weights, log = torch.load(files.weights)["epoch"], json.loads(files.log.read_text().splitlines()[-1])["epoch"]
        reached = files.read_state({})["epoch"]
        assert 1 >= weights >= log >= reached >= 0
        files.check(resume=True, force=False)
        for epoch in (reached + 1, 2):
            _epoch(files, epoch)
        files.end()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["w.jsonl", "w.pt"]
    assert torch.load(files.weights) == {"epoch": 1}


def test_a_kill_of_a_run_that_begins_anew_leaves_no_state_of_the_one_before(tmp_path: Path) -> None:
    files = _files(tmp_path)

    def scene() -> Callable[[], None]:
        _epoch(files, 5)
        return lambda: _epoch(files, 0, first=True)

    for _ in every_kill(scene):
        weights = torch.load(files.weights)["epoch"]
        if files.state.is_file():
            assert files.read_state({})["epoch"] == weights
