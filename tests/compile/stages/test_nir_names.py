"""Inputs and outputs keep the names that a NIR file gives them, whatever these are: in Python, in files and in messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model
from compile.cli import main
from ir.errors import CompileError

ENDS = ["é in put", "a_b", "a b"]
"""Input names; the IR holds none but the second, and calls the third the same."""


def graph() -> nir.NIRGraph:
    """Every input times its own number, into outputs of its own that are called alike."""
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for number, name in enumerate(ENDS, 2):
        nodes[name] = nir.Input({"input": np.array([2])})
        nodes[f"w{number}"] = nir.Linear(number * np.eye(2, dtype=np.float32))
        nodes[f"{name}/%"] = nir.Output({"output": np.array([2])})
        edges += [(name, f"w{number}"), (f"w{number}", f"{name}/%")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def inputs() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=(3, 2, 2)).astype(np.float32) for name in ENDS}


def test_inputs_and_outputs_are_called_as_in_the_file() -> None:
    given = inputs()
    outputs = compile_model(graph(), target="gpu", precision="float", example=given).run(given).outputs
    assert set(outputs) == {f"{name}/%" for name in ENDS}
    for number, name in enumerate(ENDS, 2):
        np.testing.assert_array_equal(outputs[f"{name}/%"], number * given[name])


def test_a_missing_input_is_named_as_in_the_file() -> None:
    program = compile_model(graph(), target="gpu", precision="float")
    assert set(program.inputs) == set(ENDS)
    with pytest.raises(CompileError, match="missing input 'é in put'"):
        program.run({"a_b": np.zeros((1, 1, 2)), "a b": np.zeros((1, 1, 2))})


def test_one_array_is_an_example_for_an_input_of_any_name() -> None:
    nodes: dict[str, Any] = {"x y": nir.Input({"input": np.array([2])}), "o": nir.Output({"output": np.array([2])})}
    program = compile_model(nir.NIRGraph(nodes, [("x y", "o")]), target="gpu", example=np.ones((3, 1, 2)))
    assert program.run(np.ones((3, 1, 2))).outputs["o"].sum() == 6


def test_files_of_the_command_line_bear_these_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = inputs()
    nir.write(tmp_path / "net.nir", graph())
    np.savez(tmp_path / "x.npz", **given)
    arguments = ["--target", "gpu", "--precision", "float", "--inputs", str(tmp_path / "x.npz"), "--out"]
    assert main([str(tmp_path / "net.nir"), *arguments, str(tmp_path / "out")]) == 0, capsys.readouterr().err
    with np.load(tmp_path / "out" / "outputs.npz") as file:
        saved = dict(file)
    number = 2 + ENDS.index("a b")
    np.testing.assert_array_equal(saved["a b/%"], number * given["a b"])


@pytest.mark.parametrize("name", ["a b.nir", "é.NIR", "100%.nir", "-x.nir"])
def test_files_of_any_name_are_compiled_and_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    nir.write(path, graph())
    flags = ["--target", "gpu", "--precision", "float", "--samples", "2", "--out", str(tmp_path / "out")]
    assert main([str(path), *flags]) == 0, capsys.readouterr().err
    nir.read(tmp_path / "out" / "network.nir", type_check=False)


def test_an_example_for_an_input_that_does_not_exist_is_refused() -> None:
    for value in (np.ones((3, 1, 2)), np.full((3, 1, 2), 0.5)):
        with pytest.raises(CompileError, match="no input 'x'"):
            compile_model(graph(), target="gpu", precision="float", example={"x": value})
