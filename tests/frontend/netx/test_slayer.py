"""SLAYER modules and their `.net` files give SLAYER's own answers, on both targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compile import compile_model
from frontend.netx.slayer import is_slayer, read_slayer
from ir.errors import CompileError

EVERY = ("dense", "delay", "norm", "recurrent", "decays", "image")
SPIKING = ("dense", "delay", "norm", "recurrent", "image")


def lag_of(ours: np.ndarray, theirs: np.ndarray) -> int:
    """How many steps later SLAYER says the same; -1: never."""
    fits = (lag for lag in range(9) if np.allclose(theirs[lag:], ours[: len(ours) - lag], rtol=0, atol=1e-5))
    return next(fits, -1)


@pytest.mark.slow
@pytest.mark.parametrize("slayer", EVERY, indirect=True)
def test_modules_answer_as_slayer_does(slayer: Any):
    assert is_slayer(slayer.module)
    trace = compile_model(slayer.module, target="gpu", example=slayer.inputs).run(slayer.inputs)
    assert slayer.outputs.any()
    assert lag_of(trace.outputs["output"], slayer.outputs) >= 0


@pytest.mark.parametrize("slayer", SPIKING, indirect=True)
def test_files_are_the_modules(slayer: Any, tmp_path: Path):
    slayer.write(str(tmp_path / "a.net"))
    program = compile_model(tmp_path / "a.net", target="gpu")
    wanted = compile_model(slayer.module, target="gpu", example=slayer.inputs).run(slayer.inputs)
    assert np.array_equal(program.run(slayer.inputs).outputs["output"], wanted.outputs["output"])


@pytest.mark.lava
@pytest.mark.parametrize("slayer", ["delay", "recurrent", "decays"], indirect=True)
def test_lava_equals_the_reference(slayer: Any):
    traces = [
        compile_model(slayer.module, target, example=slayer.inputs).run(slayer.inputs) for target in ("gpu", "loihi")
    ]
    assert traces[0].events == traces[1].events
    for name, values in traces[0].outputs.items():
        assert np.array_equal(values, traces[1].outputs[name])


@pytest.mark.parametrize("slayer", ["dense"], indirect=True)
def test_a_module_that_does_more_than_its_blocks_is_refused(slayer: Any):
    class Inverted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = slayer.module

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 1 - self.blocks(x)

    with pytest.raises(CompileError, match="something else than its blocks"):
        read_slayer(Inverted(), "net", slayer.inputs)


def test_delays_that_are_not_drawn_yet_are_refused(networks: Any):
    module, _ = networks["delay"]()
    with pytest.raises(CompileError, match="drawn at random"):
        read_slayer(module, "net", np.zeros((25, 2, 8), np.float32))


@pytest.mark.parametrize("slayer", ["dense"], indirect=True)
@pytest.mark.parametrize("damage", ["type", "weight", "vThMant", "empty"])
def test_damaged_files_are_refused(slayer: Any, damage: str, tmp_path: Path):
    import h5py

    path = tmp_path / "a.net"
    slayer.write(str(path))
    with h5py.File(path, "a") as file:
        first = file["layer/0"]
        if damage == "type":
            del first["type"]
            first["type"] = "transformer"
        elif damage == "weight":
            weight = first["weight"][()]
            del first["weight"]
            first["weight"] = weight[:, :-1]
        elif damage == "vThMant":
            del first["neuron/vThMant"]
        else:
            del file["layer"]
    with pytest.raises(CompileError) as caught:
        compile_model(path, target="gpu", example=slayer.inputs)
    assert "a.net" in f"{caught.value.where} {caught.value}"
