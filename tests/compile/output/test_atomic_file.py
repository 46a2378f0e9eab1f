"""A file is whole at every moment, and an error names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compile.benchmark.table import Benchmark, Table, write_benchmark
from compile.output import atomic_file

TABLES = [Table("First", ("name", "ms"), (("a", 1.23456),))]
BENCHMARK = Benchmark({"CPU": "some"}, TABLES)


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
    write_benchmark(tmp_path, BENCHMARK)
    before = (tmp_path / "benchmark.md").read_text()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_file.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_benchmark(tmp_path, Benchmark({}, TABLES[:1]))
    assert (tmp_path / "benchmark.md").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmark.json", "benchmark.md"]


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")  # as write(2) does, without a name

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: .*benchmark\.md"):
        write_benchmark(tmp_path, BENCHMARK)
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
