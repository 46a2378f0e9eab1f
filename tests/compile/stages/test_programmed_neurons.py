"""Frameworks' adaptive, refractory and rectified neurons and membranes in integers: their modules, the reference and Lava alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import norse.torch as norse
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from torch import nn

from compile import compile_model
from ir.errors import CompileError

snntorch: Any = pytest.importorskip("snntorch")

WIDTH, SAMPLES = 20, 6
STEP = 1 / 1024
FAST: dict[str, Any] = {"tau_mem_inv": torch.tensor(512.0), "v_th": torch.tensor(0.5)}
SYNAPSE: dict[str, Any] = {**FAST, "tau_syn_inv": torch.tensor(1024.0)}
ADAPTIVE = norse.LSNNParameters(**SYNAPSE, tau_adapt_inv=torch.tensor(256.0), beta=torch.tensor(0.25))
RESTING = norse.LIFRefracParameters(norse.LIFParameters(**SYNAPSE), rho_reset=torch.tensor(2.0))


def on_grid(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with weights in eighths."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in module.named_parameters():
        if "weight" in name:
            weight.data = torch.randint(-6, 14, weight.shape, generator=generator) / 8
    return module


def linear() -> nn.Linear:
    return nn.Linear(WIDTH, WIDTH, bias=False)


class Spikes(nn.Module):
    """Two layers of neurons that take the window and return (spikes, state)."""

    def __init__(self, make: Callable[[], nn.Module], weights: Callable[[], nn.Module] = linear) -> None:
        super().__init__()
        self.first, self.second = weights(), weights()
        self.hidden, self.last = make(), make()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.second(self.hidden(self.first(x))[0]))[0]


class Cells(Spikes):
    """The same of neurons that take one step."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, spikes = [None, None], []
        for now in x:
            now, states[0] = self.hidden(self.first(now), states[0])
            now, states[1] = self.last(self.second(now), states[1])
            spikes.append(now)
        return torch.stack(spikes)


class Membranes(nn.Module):
    """snnTorch's neurons whose membranes go on, and out."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.first, self.second = linear(), linear()
        self.hidden = snntorch.Leaky(beta=0.5, **options)
        self.last = snntorch.Leaky(beta=0.5, **options)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mem, out = self.hidden.reset_mem(), self.last.reset_mem()
        spikes, membranes = [], []
        for now in x:
            _, mem = self.hidden(self.first(now), mem)
            spike, out = self.last(self.second(mem), out)
            spikes.append(spike)
            membranes.append(out)
        return torch.stack(spikes), torch.stack(membranes)


class Alpha(nn.Module):
    """snnTorch's neurons behind two currents."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.first, self.second = linear(), linear()
        self.hidden, self.last = (snntorch.Alpha(alpha=0.5, beta=0.25, threshold=0.5, **options) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states = [self.hidden.reset_mem(), self.last.reset_mem()]
        spikes = []
        for now in x:
            now, *states[0] = self.hidden(self.first(now), *states[0])
            now, *states[1] = self.last(self.second(now), *states[1])
            spikes.append(now)
        return torch.stack(spikes)


class Adapting(nn.Module):
    """e-prop's recurrent adaptive neuron, written out: its reset takes the threshold as it is, or at rest."""

    def __init__(self, take: Callable[[torch.Tensor], Any], start: float = 0.0) -> None:
        super().__init__()
        self.first, self.back, self.take, self.start = linear(), linear(), take, start

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mem = spike = torch.zeros(x.shape[1], WIDTH)
        raised, spikes = torch.full_like(mem, self.start), list[torch.Tensor]()
        for now in x:
            raised = 0.5 * raised + 0.5 * spike
            mem = 0.5 * mem + self.first(now) + self.back(spike)
            spike = (mem > 0.5 + raised).float()
            mem = mem - spike * (0.5 + self.take(raised))
            spikes.append(spike)
        return torch.stack(spikes)


class Read(nn.Module):
    """The membranes of neurons that frameworks keep beside their spikes."""

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.first, self.last = linear(), make()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        state, spikes, membranes = None, list[torch.Tensor](), list[torch.Tensor]()
        for now in x:
            given = self.last(self.first(now)) if state is None else self.last(self.first(now), state)
            spike, state = given if isinstance(given, tuple) else (given, None)
            spikes.append(spike)
            membranes.append(self.last.v if state is None else state.v)
        return torch.stack(spikes), torch.stack(membranes)


def klif(**options: Any) -> nn.Module:
    return nn.Sequential(
        linear(), neuron.KLIFNode(step_mode="m", **options), linear(), neuron.KLIFNode(step_mode="m", **options)
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "LSNN": lambda: Spikes(lambda: norse.LSNN(ADAPTIVE, dt=STEP)),
    "LSNNCell": lambda: Cells(lambda: norse.LSNNCell(ADAPTIVE, dt=STEP)),
    "LSNNRecurrent": lambda: Spikes(lambda: norse.LSNNRecurrent(WIDTH, WIDTH, ADAPTIVE, dt=STEP), nn.Identity),
    "LIFRefracCell": lambda: Cells(lambda: norse.LIFRefracCell(RESTING, dt=STEP)),
    "LIFRefracRecurrent": lambda: Spikes(lambda: norse.LIFRefracRecurrent(WIDTH, WIDTH, RESTING, dt=STEP), nn.Identity),
    "KLIFNode": klif,
    "KLIFNode, v / k": lambda: klif(scale_reset=True, decay_input=False),
    "Alpha, zero": lambda: Alpha(reset_mechanism="zero"),
    "Alpha, none": lambda: Alpha(reset_mechanism="none"),
    "membranes": lambda: Membranes(reset_mechanism="zero"),
    "written, moving threshold": lambda: Adapting(lambda raised: raised),
    "written, threshold from a start": lambda: Adapting(lambda raised: 0.0, start=1.0),
    "written, both": lambda: Adapting(lambda raised: raised, start=0.5),
    "v of LIFNode": lambda: Read(neuron.LIFNode),
    "v of LIFBoxCell": lambda: Read(lambda: norse.LIFBoxCell(norse.LIFBoxParameters(**FAST), dt=STEP)),
    "membranes behind their reset": lambda: Membranes(reset_mechanism="zero", reset_delay=False),
}


def case(name: str, steps: int = 4) -> tuple[nn.Module, torch.Tensor, dict[str, np.ndarray]]:
    """A network on a grid, inputs, and what it says of them itself."""
    module = on_grid(NETWORKS[name]())
    x = (torch.rand(steps, SAMPLES, WIDTH, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    with torch.no_grad():
        y = module(x)
    if name.startswith("KLIF") or name == "v of LIFNode":
        functional.reset_net(module)
    outputs = y if isinstance(y, tuple) else (y,)
    return module, x, {str(place): output.numpy() for place, output in enumerate(outputs)}


@pytest.mark.parametrize("name", NETWORKS)
def test_integers_equal_the_module(name: str):
    module, x, expected = case(name)
    program = compile_model(module, "gpu", example=x)
    found = program.run(x).outputs
    layers = program.deployment.quantization.layers
    assert all(layer.exact for layer in layers if not layer.name.endswith("membrane"))  # payloads may be shifted
    for ours, theirs in zip(found.values(), expected.values(), strict=True):
        assert theirs.any()
        assert np.array_equal(ours, theirs)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_lava_equals_the_reference_and_the_module(name: str):
    module, x, expected = case(name)
    program = compile_model(module, "loihi", example=x)
    populations = tuple(layer.name for layer in program.deployment.quantization.layers)
    found, wanted = program.run(x, populations), program.on("gpu").run(x, populations)
    assert found.events == wanted.events
    for population in populations:
        assert np.array_equal(found.emissions[population], wanted.emissions[population]), population
    for ours, theirs in zip(found.outputs.values(), expected.values(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_chip_whose_neurons_run_no_programs_refuses_with_the_reason(name: str):
    module, x, _ = case(name)
    with pytest.raises(CompileError, match="which needs") as caught:
        compile_model(module, "gpu", profile="loihi1", example=x)
    assert caught.value.hint.endswith("or --precision float")


OFF_GRID: dict[str, Callable[[], nn.Module]] = {
    "LSNN": lambda: Spikes(lambda: norse.LSNN(norse.LSNNParameters(v_th=torch.tensor(0.1)))),
    "LIFRefracCell": lambda: Cells(lambda: norse.LIFRefracCell(norse.LIFRefracParameters())),
    "KLIFNode": lambda: klif(tau=3.0),
    "Alpha, subtract": lambda: Alpha(reset_mechanism="subtract"),
}


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("name", OFF_GRID)
def test_off_the_grid_lava_equals_the_reference_and_few_spikes_move(name: str):
    torch.manual_seed(0)
    module, generator = OFF_GRID[name](), torch.Generator().manual_seed(1)
    for weight in (part.weight for part in module.modules() if isinstance(part, nn.Linear)):
        weight.data = torch.randn(weight.shape, generator=generator) * 0.4 + 0.3
    x = (torch.rand(20, SAMPLES, WIDTH, generator=generator) < 0.4).float()
    program = compile_model(module, "loihi", example=x)
    populations = tuple(layer.name for layer in program.deployment.quantization.layers)
    found, wanted = program.run(x, populations), program.on("gpu").run(x, populations)
    assert found.events == wanted.events
    (floats,) = compile_model(module, "gpu", precision="float", example=x).run(x).outputs.values()
    for population in populations:
        assert wanted.emissions[population].any()
        assert np.array_equal(found.emissions[population], wanted.emissions[population]), population
    (ours,) = found.outputs.values()
    kept, lost, added = (np.count_nonzero(both) for both in (ours * floats, floats > ours, ours > floats))
    assert max(lost, added) < 0.1 * kept, (kept, lost, added)
