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


@pytest.mark.slow
@pytest.mark.parametrize("slayer", EVERY, indirect=True)
def test_modules_answer_as_slayer_does(slayer: Any):
    assert is_slayer(slayer.module)
    trace = compile_model(slayer.module, target="gpu", example=slayer.inputs).run(slayer.inputs)
    assert slayer.outputs.any()
    assert np.allclose(trace.outputs["output"], slayer.outputs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("slayer", SPIKING, indirect=True)
def test_files_are_the_modules(slayer: Any, tmp_path: Path):
    slayer.write(str(tmp_path / "a.net"))
    program = compile_model(tmp_path / "a.net", target="gpu")
    wanted = compile_model(slayer.module, target="gpu", example=slayer.inputs).run(slayer.inputs)
    early, late = program.run(slayer.inputs).outputs["output"], wanted.outputs["output"]
    lag = sum(block.delay_shift for block in slayer.module.children() if hasattr(block, "delay_shift"))
    assert np.array_equal(early[: len(early) - lag], late[lag:])
    assert not late[:lag].any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dense", "conv", "recurrent"])
@pytest.mark.parametrize("seed", range(8))
def test_random_delays_come_when_the_modules_own_do(blocks: Any, kind: str, seed: int):
    """Real-valued delays of every neuron, with and without the step that a block takes: no spike differs, at no lag."""
    torch.manual_seed(seed)
    random, cuba = np.random.default_rng(seed), blocks.block.cuba
    own = {"threshold": 0.5, "current_decay": random.choice([0.3, 1.0]), "voltage_decay": random.choice([0.05, 0.2])}

    def options() -> dict[str, Any]:
        return {"weight_scale": 3, "delay": bool(random.random() < 0.7), "delay_shift": bool(random.random() < 0.7)}

    layers = {
        "dense": [cuba.Dense(own, 6, 8, **options()), cuba.Dense(own, 8, 6, **options())],
        "conv": [cuba.Conv(own, 2, 3, 3, **options()), cuba.Flatten(), cuba.Dense(own, 48, 6, **options())],
        "recurrent": [cuba.Dense(own, 6, 8, **options()), cuba.Recurrent(own, 8, 6, **options())],
    }
    module, steps = torch.nn.Sequential(*layers[kind]).eval(), 12 + 6 * seed
    x = (torch.rand(2, *((2, 6, 6) if kind == "conv" else (6,)), steps) < 0.4).float()
    with torch.no_grad():
        module(x)
        for part in module.modules():
            if type(part).__name__ == "Delay":
                part.delay.data = torch.rand_like(part.delay) * float(random.choice([1, 3, 8, 20]))
        for part in module.modules():  # a recurrent block remembers the spikes of the batch before
            if hasattr(part, "spike_state"):
                part.spike_state = torch.zeros(1)
            if hasattr(part, "current_state"):
                part.current_state = part.voltage_state = torch.zeros(1)
            if hasattr(part, "delay_buffer"):
                part.delay_buffer = None
        wanted = np.moveaxis(module(x).numpy(), -1, 0)
    inputs = np.moveaxis(x.numpy(), -1, 0)
    found = compile_model(module, target="gpu", example=inputs).run(inputs).outputs["output"]
    assert np.array_equal(found, wanted)


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
