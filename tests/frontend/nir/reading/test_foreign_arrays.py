"""Graphs in memory hold whatever arrays their maker had: torch parameters, lists, and what is no array at all."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch

from compile import compile_model
from ir.errors import CompileError

SPIKES = (np.random.default_rng(0).random((12, 2, 2)) < 0.6).astype(np.float32)


def graph(tau: Any, weight: Any, note: Any = "") -> nir.NIRGraph:
    """One layer; its parameters are put in afterwards, as exporters do."""
    one = np.ones(2, np.float32)
    nodes: dict[str, Any] = {
        "input": nir.Input({"input": np.array([2])}),
        "w": nir.Linear(np.eye(2, dtype=np.float32)),
        "n": nir.LIF(tau=one, r=one, v_leak=0 * one, v_threshold=one, v_reset=0 * one),
        "output": nir.Output({"output": np.array([2])}),
    }
    nodes["n"].tau, nodes["w"].weight = tau, weight
    edges = [("input", "w"), ("w", "n"), ("n", "output")]
    return nir.NIRGraph(nodes, edges, metadata={"note": note}, type_check=False)


def test_torch_parameters_are_their_numbers() -> None:
    tau, weight = [2.0, 4.0], [[3.0, 1.0], [-2.0, 5.0]]
    plain = graph(np.array(tau, np.float32), np.array(weight, np.float32))
    live = [torch.nn.Parameter(torch.tensor(value)) for value in (tau, weight, tau)]
    wanted, found = (
        compile_model(source, target="gpu", precision="float", dt=1.0).run(SPIKES).outputs["output"]
        for source in (plain, graph(*live))
    )
    np.testing.assert_array_equal(found, wanted)
    assert wanted.any()


def test_example_inputs_may_take_part_in_training() -> None:
    inputs = torch.tensor(SPIKES, requires_grad=True)
    program = compile_model(graph(np.ones(2), np.eye(2)), target="gpu", precision="int", dt=0.5, example=inputs)
    assert program.run(inputs).outputs["output"].shape == SPIKES.shape


@pytest.mark.parametrize(
    "tau", [[[1.0], [1.0, 2.0]], object(), torch.eye(2).to_sparse()], ids=["ragged", "object", "sparse"]
)
def test_what_is_no_array_of_numbers_is_refused_by_name(tau: Any) -> None:
    with pytest.raises(CompileError, match=r"node n \(LIF\): tau"):
        compile_model(graph(tau, np.eye(2)), target="gpu", dt=1.0)


def test_inputs_that_are_no_arrays_are_refused_by_name() -> None:
    program = compile_model(graph(np.ones(2), np.eye(2)), target="gpu", precision="float", dt=0.5)
    with pytest.raises(CompileError, match="input 'input'"):
        program.run([[1.0], [1.0, 2.0]])
    with pytest.raises(CompileError, match="input 'input'"):
        compile_model(graph(np.ones(2), np.eye(2)), target="gpu", dt=0.5, example=[[1.0], [1.0, 2.0]])
