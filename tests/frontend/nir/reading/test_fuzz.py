"""500 mutated NIR files (10,000 in tests/bench/nir_fuzz.py): read or refused, never another exception, within bounds."""

from __future__ import annotations

import resource
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

COUNT = 300


def fuzz() -> ModuleType:
    spec = spec_from_file_location("nir_fuzz", Path(__file__).parents[3] / "bench" / "nir_fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    bench = fuzz()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found, longest = bench.run(COUNT, 0, tmp_path)
    assert sum(found.values()) == COUNT
    assert longest < bench.SLOW_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10  # KiB: 256 MiB
    assert COUNT / 20 < found["read"] < COUNT / 2, found
    assert "without its file" not in found
    assert len(found) > 8, found  # the mutations reach many rules


def test_sound_files_are_read(tmp_path: Path) -> None:
    bench = fuzz()
    for data in bench.sound_files(tmp_path):
        (tmp_path / "a.nir").write_bytes(data)
        assert bench.outcome(tmp_path / "a.nir") == "read"
