"""The command line on small NIR files, with everything it writes: neurons with several axes, no neurons, odd names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from compile.__main__ import main


def written(graph: nir.NIRGraph, folder: Path) -> Path:
    """Compile and run a graph on the command line, without a failure; the folder that it wrote."""
    nir.write(folder / "net.nir", graph)
    out = folder / "out"
    assert (
        main([str(folder / "net.nir"), "--target", "gpu", "--precision", "float", "--dt", "1e-3", "--out", str(out)])
        == 0
    )
    return out


def between(node: nir.NIRNode, taken: tuple[int, ...], made: tuple[int, ...], output: str = "output") -> nir.NIRGraph:
    """A graph of one node."""
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(taken)}), "node": node}
    nodes[output] = nir.Output({"output": np.array(made)})
    return nir.NIRGraph(nodes, [("input", "node"), ("node", output)], type_check=False)


def test_neurons_of_several_axes_with_their_own_parameters_are_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    made: dict[str, Any] = {
        key: random.uniform(0.1, 1, (2, 3, 4)).astype(np.float32) for key in ("r", "v_leak", "v_threshold", "v_reset")
    }
    out = written(between(nir.LIF(tau=made["r"], **made), (2, 3, 4), (2, 3, 4)), tmp_path)
    node: Any = nir.read(out / "lowered.nir").nodes["node"]
    assert node.v_threshold.shape == (24,)


@pytest.mark.parametrize("output", ["output", "file"])
def test_a_network_without_neurons_is_run_checked_and_written(output: str, tmp_path: Path) -> None:
    out = written(between(nir.Linear(2 * np.eye(3, dtype=np.float32)), (3,), (3,), output), tmp_path)
    with np.load(out / "outputs.npz") as file:
        assert file[output].shape == (16, 16, 3)
        assert file[output].any()
    assert "nothing of the network is left to the chip" in (out / "lowered.txt").read_text()
