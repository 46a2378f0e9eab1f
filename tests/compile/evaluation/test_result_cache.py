"""Packed results come back as they were, broken ones not at all, and the events of batches add up."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from backends.trace import Events
from compile.evaluation.result_cache import BatchResult, ResultCache, pack, total_events, unpack
from tests.killing import every_kill

EVENTS = Events(3, 2, {"x": 5, "y": 1}, {"l": 20}, {"y": 24})
RESULT = BatchResult({"record": np.arange(6, dtype=np.float32).reshape(2, 3), "b/c": np.array([[True]])}, EVENTS)


def test_what_is_packed_is_unpacked():
    result = unpack("k", pack("k", RESULT))
    assert result is not None
    assert result.events == EVENTS
    assert list(result.outputs) == ["record", "b/c"]
    for name, array in RESULT.outputs.items():
        assert result.outputs[name].dtype == array.dtype
        assert np.array_equal(result.outputs[name], array)


def test_what_is_not_whole_is_no_result():
    packed = pack("k", RESULT)
    assert [unpack("k", packed[:size]) for size in range(len(packed))] == [None] * len(packed)
    damaged = [packed[:k] + bytes([packed[k] ^ 1 << k % 8]) + packed[k + 1 :] for k in range(len(packed))]
    assert [unpack("k", wrong) for wrong in damaged] == [None] * len(packed)
    assert unpack("k", b"PK\x03\x04 something else") is None


def test_a_file_under_another_name_or_of_another_version_is_no_result(tmp_path: Path):
    cache = ResultCache(tmp_path)
    cache.save("k", pack("k", RESULT))
    (tmp_path / "k.npz").rename(tmp_path / "other.npz")
    assert cache.load("other") is None
    with np.load(tmp_path / "other.npz") as file:  # numpy reads it all the same
        np.savez_compressed(tmp_path / "k.npz", **file)
    assert cache.load("k") is None


def test_a_result_is_found_under_its_key(tmp_path: Path):
    cache = ResultCache(tmp_path / "a" / "b")
    assert cache.load("k") is None
    cache.save("k", pack("k", RESULT))
    result = cache.load("k")
    assert result is not None
    assert result.events == EVENTS
    assert ResultCache(tmp_path / "a" / "b").load("other") is None
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["k.npz"]


def test_a_save_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = ResultCache(tmp_path)
    cache.save("k", b"before")

    def refuse(old: str, new: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(KeyboardInterrupt):
        cache.save("k", b"after")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("k.npz", b"before")]


def test_a_kill_before_any_step_costs_one_batch_and_leaves_nothing(tmp_path: Path):
    cache = ResultCache(tmp_path)

    def scene() -> Callable[[], None]:
        (tmp_path / "k.npz").unlink(missing_ok=True)
        return partial(cache.save, "k", pack("k", RESULT))

    for _ in every_kill(scene):
        if cache.load("k") is None:
            assert not (tmp_path / "k.npz").exists()
            cache.save("k", pack("k", RESULT))
        assert [path.name for path in tmp_path.iterdir()] == ["k.npz"]


def test_events_of_batches_add_up():
    more = BatchResult({}, Events(1, 2, {"x": 2, "y": 0}, {"l": 8}, {"y": 8}))
    assert total_events([RESULT, more]) == Events(4, 2, {"x": 7, "y": 1}, {"l": 28}, {"y": 32})
    assert total_events([RESULT]) == EVENTS
