"""A saved program runs to the same spikes elsewhere; what is no whole program of this format is refused."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model, load_program
from compile.stages.program import Program
from compile.stages.program_file.migrations import FORMAT, NUMBER
from ir.errors import CompileError

X = (np.random.default_rng(0).random((2, 5, 6)) < 0.5).astype(np.float32)


def assert_same(ours: Program, theirs: Program, x: Any) -> None:
    for name in ("prologue", "chip", "epilogue"):
        assert getattr(ours.deployment, name) == getattr(theirs.deployment, name)
    assert (ours.profile.name, ours.profile.tables) == (theirs.profile.name, theirs.profile.tables)
    assert (dict(ours.scales), dict(ours.names)) == (dict(theirs.scales), dict(theirs.names))
    first, second = ours.run(x), theirs.run(x)
    assert first.events == second.events
    assert first.emissions.keys() == second.emissions.keys()
    assert dict(first.scales) == dict(second.scales)
    for name, array in (*first.emissions.items(), *first.outputs.items()):
        assert np.array_equal(array, second.emissions[name] if name in second.emissions else second.outputs[name])


@pytest.mark.parametrize("precision", ["int", "float"])
def test_the_same_spikes(tiny: Path, tmp_path: Path, precision: str):
    program = compile_model(tiny, target="gpu", precision=precision, profile="loihi1")
    program.save(tmp_path / "net.spikes")
    loaded = load_program(tmp_path / "net.spikes")
    assert program.run(X).outputs["output" if "output" in program.outputs else next(iter(program.outputs))].any()
    assert_same(loaded, program, X)
    loaded.save(tmp_path / "again.spikes")
    assert (tmp_path / "again.spikes").read_bytes() == (tmp_path / "net.spikes").read_bytes()


def test_host_parts_payloads_and_names_travel(tmp_path: Path):
    """A model with a prologue, an epilogue and graded spikes; a NIR file with names that the IR cannot hold."""
    program = compile_model("models/cmsf.py", target="gpu", part="image")
    program.save(tmp_path / "a")
    assert program.deployment.epilogue.params
    rng = np.random.default_rng(1)
    assert_same(load_program(tmp_path / "a"), program, rng.random((3, 12, 72), np.float32))
    nodes: dict[str, Any] = {
        "the in put": nir.Input({"input": np.array([3])}),
        "w": nir.Linear(np.eye(3, dtype=np.float32)),
        "o (1)": nir.Output({"output": np.array([3])}),
    }
    ones = np.ones(3, np.float32)
    nodes["lif"] = nir.LIF(tau=0.01 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones)
    edges = [("the in put", "w"), ("w", "lif"), ("lif", "o (1)")]
    named = compile_model(nir.NIRGraph(nodes, edges), target="gpu", dt=1e-3, example=X[..., :3])
    named.save(tmp_path / "b")
    assert list(named.outputs) == ["o (1)"]
    assert_same(load_program(tmp_path / "b"), named, X[..., :3])


ELSEWHERE = f"""
import sys

import numpy as np

from {load_program.__module__} import load_program

folder = sys.argv[1]
trace = load_program(folder + "/net.spikes").run(np.load(folder + "/x.npy"))
np.savez(folder + "/y.npz", **trace.spikes)
assert "spikingjelly" not in sys.modules
"""


@pytest.mark.slow
@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=pytest.mark.lava)])
def test_the_same_spikes_in_another_process_without_the_module(tiny: Path, tmp_path: Path, target: str):
    program = compile_model(tiny, target=target)
    program.save(tmp_path / "net.spikes")
    tiny.unlink()
    np.save(tmp_path / "x.npy", X)
    root = Path(__file__).parents[4]
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path)], cwd=root, check=True, timeout=300, capture_output=True
    )
    with np.load(tmp_path / "y.npz") as file:
        spikes = program.run(X).spikes
        assert set(file) == set(spikes)
        assert all(np.array_equal(file[name], array) for name, array in spikes.items())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    graph = nir.NIRGraph.from_list(
        nir.Linear(np.eye(3, dtype=np.float32)),
        nir.LIF(*(value * np.ones(3, np.float32) for value in (0.01, 8, 0, 1, 0))),
    )
    path = tmp_path_factory.mktemp("saved") / "net"
    compile_model(graph, target="gpu", dt=1e-3, example=X[..., :3]).save(path)
    return path.read_bytes()


def refused(content: bytes, folder: Path, rule: str = "program.file", target: str | None = None) -> CompileError:
    (folder / "net").write_bytes(content)
    with pytest.raises(CompileError) as error:
        load_program(folder / "net", target)
    assert error.value.rule == rule
    assert error.value.where == str(folder / "net") or rule not in ("program.file", "program.format")
    return error.value


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(saved: bytes, tmp_path: Path, share: float):
    refused(saved[: int(share * len(saved))], tmp_path)


def test_a_changed_byte_never_passes_unnoticed(saved: bytes, tmp_path: Path):
    """A byte of the data is caught by the checksums; one of the directory's times and flags may leave the content alone."""
    (tmp_path / "net").write_bytes(saved)
    whole = load_program(tmp_path / "net")
    for place in range(0, len(saved), max(1, len(saved) // 150)):
        broken = bytearray(saved)
        broken[place] ^= 0xFF
        (tmp_path / "net").write_bytes(broken)
        try:
            loaded = load_program(tmp_path / "net")
        except CompileError:
            continue
        assert_same(loaded, whole, X[..., :3])


def changed(content: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    """The file with one member changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    return file.getvalue()


def with_entry(key: str, value: Any) -> Callable[[bytes], bytes]:
    return lambda head: json.dumps({**json.loads(head), key: value}).encode()


def test_a_later_format_is_refused_with_the_compiler_that_wrote_it(saved: bytes, tmp_path: Path):
    later = changed(saved, "program.json", with_entry("format", f"{FORMAT}{NUMBER + 1}"))
    error = refused(changed(later, "program.json", with_entry("compiler", "9.9")), tmp_path, "program.format")
    assert f"the format is {FORMAT}{NUMBER + 1}, " in error.what
    assert f"reads {FORMAT}1 to {NUMBER}" in error.what
    assert "9.9" in error.hint
    for stated, rule in (("something/1", "program.file"), (None, "program.file"), (f"{FORMAT}0", "program.format")):
        refused(changed(saved, "program.json", with_entry("format", stated)), tmp_path, rule)


def pickled(_: bytes) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("arrays/0.npy", pickled),
        ("phase1.chip.txt", lambda text: text.replace(b"integer_lif(", b"magic(")),
        ("phase1.chip.txt", lambda text: text.replace(b"vth=", b"vht=")),
        ("phase1.chip.txt", lambda text: b""),
        ("program.json", lambda head: b"[]"),
        ("program.json", lambda head: b"{"),
        ("program.json", with_entry("arrays", {})),
        ("program.json", with_entry("profile", {"name": 3})),
    ],
)
def test_other_content_is_refused(saved: bytes, tmp_path: Path, member: str, change: Callable[[bytes], bytes]):
    (tmp_path / "net").write_bytes(changed(saved, member, change))
    with pytest.raises(CompileError):
        load_program(tmp_path / "net")


def test_where_it_cannot_be_written_or_found(saved: bytes, tmp_path: Path):
    (tmp_path / "net").write_bytes(saved)
    program = load_program(tmp_path / "net", target="gpu")
    with pytest.raises(CompileError) as error:
        program.save(tmp_path)
    assert error.value.rule == "program.write"
    for path, target, rule in ((tmp_path / "no", None, "program.file"), (tmp_path / "net", "tpu", "options.target")):
        with pytest.raises(CompileError) as error:
            load_program(path, target)
        assert error.value.rule == rule
