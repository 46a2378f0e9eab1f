"""
Lowered spiking attention as plain NIR with inputs and expected spikes: PYTHONPATH=. python tests/interop/write_cases.py DIR

Writes for each case of `attentions` DIR/<case>.nir and DIR/<case>.npz (x: (T, B, inputs), y: (T, B, outputs), whole numbers), after
checking that the network computes what the torch module does. `read_cases.py` lets other packages run them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from attentions import Case, cases
from spikingjelly.activation_based.functional import reset_net

import hw_profiles
from frontend.nir.import_nir import import_nir
from frontend.nir.round_trip.file import write_nir
from frontend.nir.writing.plain_nir import plain_nir
from frontend.tracing.trace import trace_module
from ir.deployment import Deployment
from ir.interpreter import interpret
from ir.pipeline.pipeline import lower

STRATEGIES = {"attention": "time-coded"}


def write(folder: Path, name: str, case: Case) -> str:
    """Write a case; a line about it."""
    module = case.module.eval()
    source = trace_module(module, case.inputs, case.static, case.steps, name)
    deployment = lower(source, hw_profiles.load("ideal"), STRATEGIES)
    chip = deployment.chip
    plain = plain_nir(chip)
    assert plain.graph is not None, plain.reason
    write_nir(plain.graph, folder / f"{name}.nir")
    given = {key: value[None] if key in case.static else value for key, value in case.inputs.items()}
    before = interpret(deployment.prologue, given)
    check_module(case, interpret(source, given))
    (entry,), (output,) = chip.inputs, chip.outputs
    x = torch.as_tensor(before[entry.name]).expand(case.steps, -1, *entry.type.shape)
    y = np.asarray(interpret(chip, {entry.name: x})[output])
    check_lowered(deployment, {**given, **before}, {output: y}, interpret(source, given))
    x, y = np.asarray(x).reshape(*x.shape[:2], -1), y.reshape(*y.shape[:2], -1)
    check_read_back(folder / f"{name}.nir", x, y)
    np.savez_compressed(folder / f"{name}.npz", x=x, y=y)
    neurons = sum(node.v_threshold.size for node in plain.graph.nodes.values() if isinstance(node, nir.LIF | nir.IF))
    lost = int((strictly(plain.graph, x) != y).sum())
    return f"{name}: {neurons} neurons, {y.size} output values, {lost} of them others with > at the source's thresholds"


def strictly(graph: nir.NIRGraph, x: np.ndarray) -> np.ndarray:
    """What comes out if the thresholds are not lowered for NIR's strict comparison: how much ties matter."""
    nodes = {
        name: replace(node, v_threshold=np.full_like(node.v_threshold, float(node.metadata["source_threshold"])))
        if "source_threshold" in node.metadata
        else node
        for name, node in graph.nodes.items()
    }
    known = import_nir(nir.NIRGraph(nodes, graph.edges, metadata=graph.metadata, type_check=False)).graph
    (found,) = interpret(known, {node.name: x for node in known.inputs}).values()
    return np.asarray(found)


def check_module(case: Case, traced: Mapping[str, Any]) -> None:
    """The traced graph against the torch module; what the host computes in floats, nearly."""
    reset_net(case.module)
    outputs = case.module(**case.inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(outputs) == len(traced)
    for ours, theirs in zip(traced.values(), outputs, strict=True):
        assert np.allclose(np.asarray(ours).reshape(theirs.shape), theirs, atol=1e-5)


def check_lowered(
    deployment: Deployment, before: Mapping[str, Any], chip: Mapping[str, Any], traced: Mapping[str, Any]
) -> None:
    """The lowered network, host included, against the traced graph: equal numbers."""
    known = {**before, **chip}
    after = interpret(
        deployment.epilogue, {node.name: torch.as_tensor(known[node.name]) for node in deployment.epilogue.inputs}
    )
    for key, value in traced.items():
        assert np.array_equal(np.asarray(value), np.asarray(after[key])), key


def check_read_back(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    """The file under its own reading, in our interpreter."""
    graph = import_nir(path).graph
    (entry,) = graph.inputs
    (found,) = interpret(graph, {entry.name: x}).values()
    assert np.array_equal(np.asarray(found), y)


def main() -> None:
    """All cases."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, case in cases().items():
        print(write(folder, name, case), flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
