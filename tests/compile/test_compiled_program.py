"""A program that was saved and loaded reports what it would have reported before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from compile import Program, compile_model, load_program
from compile.command.screen import Screen
from compile.compiled_program import CompiledProgram
from compile.report.report import Report
from compile.report.report_text import report_text
from ir.errors import CompileError

X = (np.random.default_rng(0).random((2, 5, 6)) < 0.5).astype(np.float32)
LABELS = np.arange(5) % 3


def from_nir(precision: str) -> CompiledProgram:
    ones = np.ones(3, np.float32)
    nodes: dict[str, Any] = {
        "the in put": nir.Input({"input": np.array([6])}),
        "w": nir.Linear(np.eye(3, 6, dtype=np.float32)),
        "lif": nir.LIF(tau=0.01 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        "o (1)": nir.Output({"output": np.array([3])}),
    }
    graph = nir.NIRGraph(nodes, [("the in put", "w"), ("w", "lif"), ("lif", "o (1)")])
    return compile_model(graph, target="gpu", precision=precision, dt=1e-3, example=X)


MAKERS: dict[str, Callable[[Path], CompiledProgram]] = {
    "module": lambda tiny: compile_model(tiny, target="gpu"),
    "module in floats": lambda tiny: compile_model(tiny, target="gpu", precision="float"),
    "NIR": lambda _: from_nir("int"),
    "NIR in floats": lambda _: from_nir("float"),
}


def told(report: Report) -> dict[str, Any]:
    """Without times, and options: a file knows where its program runs, not how its source was read."""
    return {key: value for key, value in report.plain().items() if key not in ("seconds", "options")}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_loaded_program_gives_the_same_report(maker: str, tiny: Path, tmp_path: Path):
    program = MAKERS[maker](tiny)
    program.save(tmp_path / "net.spikes")
    tiny.unlink()
    loaded = Program.load(tmp_path / "net.spikes")
    ours, theirs = program.report(X, labels=LABELS), loaded.report(X, labels=LABELS)
    assert sum(layer.rate for layer in ours.parts[0].layers) > 0
    assert told(ours) == told(theirs)
    assert theirs.plain()["options"].items() <= ours.plain()["options"].items()
    assert report_text(ours, Screen(100)) == report_text(theirs, Screen(100))
    loaded.save(tmp_path / "again.spikes")
    assert (tmp_path / "again.spikes").read_bytes() == (tmp_path / "net.spikes").read_bytes()


@pytest.mark.slow
def test_a_network_with_parts_on_the_host_and_a_published_table(tmp_path: Path):
    program = compile_model("models/cmsf.py", target="gpu", part="image")
    program.save(tmp_path / "net.spikes")
    regions = np.random.default_rng(1).random((3, 12, 72), np.float32)
    ours, theirs = (each.report(regions) for each in (program, load_program(tmp_path / "net.spikes")))
    assert ours.plain()["parts"][0]["energy"]["published_rows"]
    assert told(ours) == told(theirs)


def test_a_loaded_program_s_report_is_written_with_its_networks(tiny: Path, tmp_path: Path):
    program = compile_model(tiny, target="gpu")
    program.save(tmp_path / "net.spikes")
    for folder, each in (("ours", program), ("theirs", load_program(tmp_path / "net.spikes"))):
        each.report(X).save(tmp_path / folder)
    for name in ("network.nir", "lowered.nir"):
        ours, theirs = (nir.read(tmp_path / folder / name) for folder in ("ours", "theirs"))
        assert ours.nodes.keys() == theirs.nodes.keys()
    texts = sorted(path.name for path in (tmp_path / "theirs" / "ir").iterdir())
    assert texts == ["00_import.txt", "01_saved.txt"]
    assert (tmp_path / "theirs/ir/00_import.txt").read_text() == (tmp_path / "ours/ir/00_import.txt").read_text()
    load_program(tmp_path / "net.spikes").report(X).save(tmp_path / "ours")
    assert sorted(path.name for path in (tmp_path / "ours" / "ir").iterdir()) == texts, "what the first wrote is gone"


def test_a_file_holds_no_samples(tiny: Path, tmp_path: Path):
    program = compile_model(tiny, target="gpu")
    assert program.report().passed
    program.save(tmp_path / "net.spikes")
    with pytest.raises(CompileError, match=r"report\.samples(.|\n)*a file holds no examples"):
        load_program(tmp_path / "net.spikes").report()


@pytest.mark.lava
def test_reports_of_a_loaded_program_elsewhere(tiny: Path, tmp_path: Path):
    compile_model(tiny, target="gpu").save(tmp_path / "net.spikes")
    report = load_program(tmp_path / "net.spikes", "loihi").report(X)
    assert (report.options.target, report.passed) == ("loihi", True)
    assert report.plain()["engine"] == "Lava, fused processes"


def test_a_metric_that_is_no_function_is_refused_before_anything_runs(tiny: Path):
    metric: Any = "accuracy"
    with pytest.raises(CompileError, match=r"report\.metric(.|\n)*no function"):
        compile_model(tiny, target="gpu").report(iter(()), metric=metric)


def test_a_program_is_written_for_another_tool_saved_or_not(tiny: Path, tmp_path: Path):
    program = compile_model(tiny, target="gpu", profile="netx")
    program.save(tmp_path / "net.spikes")
    file = program.emit("netx", tmp_path / "a.net")
    assert (
        (tmp_path / "a.net").read_bytes() == file.content == load_program(tmp_path / "net.spikes").emit("netx").content
    )
    with pytest.raises(CompileError, match=r"program\.write\]: No space left on device"):
        program.emit("netx", "/dev/full")


def test_floats_are_no_file_for_a_chip(tiny: Path):
    with pytest.raises(CompileError, match="netx is one network of integers, and this one is floats") as caught:
        compile_model(tiny, target="gpu", precision="float").emit("netx")
    assert caught.value.rule == "program.emit"


@pytest.mark.parametrize("path", ["/dev/full", "link"])
def test_a_full_disk_is_one_error(path: str, tiny: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to("/dev/full")
    with pytest.raises(CompileError, match=r"program\.write\]: No space left on device"):
        compile_model(tiny, target="gpu").save(tmp_path / path)
    assert Path("/dev/full").is_char_device()
