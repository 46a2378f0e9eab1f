"""Kernels are compiled also where nothing can be written."""

from __future__ import annotations

from pathlib import Path

import pytest

caching = pytest.importorskip("numba.core.caching")

from backends.jit import kernel  # noqa: E402, needs numba


def twice(n: int) -> int:
    return n + n


def test_without_a_place_for_the_compiled_code_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    compiled = kernel(twice)
    assert compiled is not twice
    assert compiled(21) == 42


def test_compiled_code_is_kept_where_it_can_be() -> None:
    assert kernel(twice).stats.cache_path


def test_damaged_code_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.config, "CACHE_DIR", str(tmp_path))
    assert kernel(twice)(21) == 42
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".nbi", ".nbc"}
    for path in files:
        path.write_bytes(b"\x80damaged")
    assert kernel(twice)(21) == 42
    again = kernel(twice)
    assert again(21) == 42
    assert sum(again.stats.cache_hits.values()) == 1
