"""A file is whole at every moment, and an error names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from compile.output import atomic_file
from tests.killing import every_kill


@pytest.mark.parametrize(("content", "data"), [("größe\n", "größe\n".encode()), (b"\0\xff", b"\0\xff")])
def test_texts_and_bytes_are_written_over_what_was_there(tmp_path: Path, content: str | bytes, data: bytes):
    path = tmp_path / "a" / "b" / "file"
    for earlier in (b"", b"much longer than what comes after it"):
        atomic_file.write_atomically(path, earlier)
        atomic_file.write_atomically(path, content)
        assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Up to the renaming the old content is there, and then the whole new one beside it."""
    path, seen, real = tmp_path / "file", list[bytes](), atomic_file.os.replace
    path.write_bytes(b"old")

    def watch(partial: Path, place: Path) -> None:
        seen.extend((path.read_bytes(), partial.read_bytes()))
        real(partial, place)

    monkeypatch.setattr(atomic_file.os, "replace", watch)
    atomic_file.write_atomically(path, "new")
    assert seen == [b"old", b"new"]


def test_an_interrupt_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    atomic_file.write_atomically(tmp_path / "results.json", "old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_file.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        atomic_file.write_atomically(tmp_path / "results.json", "new")
    assert (tmp_path / "results.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_kill_before_any_step_leaves_the_file_whole_and_the_next_run_nothing_else(tmp_path: Path):
    path = tmp_path / "results.json"

    def scene() -> Callable[[], None]:
        path.write_text("old")
        return partial(atomic_file.write_atomically, path, "new")

    assert len([path.read_text() for _ in every_kill(scene) if path.read_text() in ("old", "new")]) > 3
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_writers_at_once_wait_for_each_other(tmp_path: Path):
    """Each writes a text of its own length many times: what is left is one of them."""
    path, texts = tmp_path / "file", [str(number) * 10_000 * (number + 1) for number in range(4)]
    children = [os.fork() or _write_and_exit(path, text) for text in texts]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def _write_and_exit(path: Path, text: str) -> int:
    try:
        for _ in range(30):
            atomic_file.write_atomically(path, text)
        os._exit(0)
    finally:
        os._exit(1)


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")  # as write(2) does, without a name

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: .*results\.json"):
        atomic_file.write_atomically(tmp_path / "results.json", "new")
    assert not list(tmp_path.iterdir())


def test_a_device_or_pipe_is_written_to_and_stays(tmp_path: Path):
    """Whoever is root could replace /dev/null by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        atomic_file.write_atomically(pipe, "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        atomic_file.write_atomically(tmp_path / "full", "text")
    assert (tmp_path / "full").is_char_device()
