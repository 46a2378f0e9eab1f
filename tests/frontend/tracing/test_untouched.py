"""A network that the compiler has looked at is as it was, and so is the process."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import norse.torch
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from torch import nn
from torch.nn.parameter import UninitializedParameter

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from frontend.tracing.untouched import left_as_it_was

STEPS, SAMPLES, WIDTH = 4, 3, 5
INPUT = (torch.rand(STEPS, SAMPLES, WIDTH, generator=torch.Generator().manual_seed(0)) < 0.5).float()


class SnnTorchLike(nn.Module):
    """Keeps its states as snnTorch's neurons do: buffers of changing shape, and tensors as plain attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("mem", torch.zeros(0), persistent=False)
        self.spk: Any = None
        self.spikes: list[torch.Tensor] = []
        self.log = {"calls": 0, "rates": np.zeros(WIDTH)}

    def reset_mem(self) -> None:
        self.mem = torch.zeros_like(self.mem)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.mem.numel():
            self.mem = torch.zeros(SAMPLES, WIDTH)
        for current in self.fc(x):
            self.mem = 0.5 * self.mem + current
            self.spk = (self.mem > 0.1).float() + self.mem - self.mem.detach()
            self.mem.sub_(self.spk * 0.1)
            self.spikes.append(self.spk)
        self.log["calls"] += 1
        self.log["rates"] += self.spk.mean(0).detach().numpy()
        return torch.stack(self.spikes[-STEPS:])


class NorseWithState(nn.Module):
    """Norse's neurons return their states; this module keeps them, as `norse.torch.SequentialState` users do."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(WIDTH, WIDTH), norse.torch.LIF()
        self.state: Any = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes, self.state = self.lif(self.fc(x), self.state if self.training else None)
        return spikes


class Jelly(nn.Module):
    """SpikingJelly's neurons, which keep their membranes until they are reset, and a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.norm = nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH)
        self.neurons = nn.ModuleList([neuron.LIFNode(step_mode="m"), neuron.IFNode(step_mode="m")])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.fc(x.flatten(0, 1))).reshape(STEPS, -1, WIDTH)
        return self.neurons[1](self.neurons[0](x))


NETWORKS: dict[str, Callable[[], nn.Module]] = {"jelly": Jelly, "norse": NorseWithState, "snntorch": SnnTorchLike}


def everything(module: nn.Module) -> dict[str, Any]:
    """All that a network is: attributes by path, by identity and by value."""
    content: dict[str, Any] = {}
    for path, child in module.named_modules():
        for name, value in vars(child).items():
            content[f"{path}.{name}"] = (id(value), _plain(value))
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return (
            value.data_ptr(),
            value.requires_grad,
            type(value.grad_fn).__name__,
            value.detach().tolist(),
            value._version,
        )
    if isinstance(value, dict):
        return {key: (id(item), _plain(item)) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [(id(item), _plain(item)) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else repr(value)


def partly_trained(name: str) -> nn.Module:
    """A network in the middle of training: some of it frozen, in eval mode, with hooks and the state of a forward pass."""
    torch.manual_seed(1)
    network = NETWORKS[name]()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    network(INPUT).sum().backward()
    optimiser.step()
    forget(network)
    children = list(network.children())
    children[0].eval()
    next(network.parameters()).requires_grad_(False)
    children[0].register_forward_hook(lambda _module, _args, result: result)
    network.register_forward_pre_hook(lambda _module, _args: None)
    network(INPUT)
    return network


def forget(network: nn.Module) -> None:
    """Let all states start anew, as one does between batches."""
    if isinstance(network, Jelly):
        functional.reset_net(network)
    elif isinstance(network, NorseWithState):
        network.state = None
    else:
        network.mem, network.spikes = torch.zeros(0), []


def compiled(network: nn.Module) -> None:
    """What the compiler does with a network; SnnTorchLike is run only, as it is no neuron that anybody knows."""
    network.eval()
    if isinstance(network, SnnTorchLike):
        with torch.no_grad():
            network.reset_mem()
            network(INPUT)
            network(INPUT)
        return
    graph = trace_module(network, {"x": INPUT}, (), STEPS, "network")
    check_import(network, graph, {"x": INPUT})


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_training_is_left_as_it_was(name: str) -> None:
    network = partly_trained(name)
    before, untouched = everything(network), partly_trained(name)
    with left_as_it_was(network):
        compiled(network)
        assert not network.training
        assert everything(network) != before
    assert everything(network) == before
    network(INPUT).sum().backward()
    untouched(INPUT).sum().backward()
    for ours, theirs in zip(network.parameters(), untouched.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        assert (ours.grad is None) == (theirs.grad is None)
        assert ours.grad is None or torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("name", NETWORKS)
def test_so_it_is_where_the_compiler_fails(name: str) -> None:
    network = partly_trained(name)
    before = everything(network)

    def fail() -> None:
        with left_as_it_was(network):
            compiled(network)
            network.register_buffer("extra", torch.ones(1))
            network.new_module = nn.Linear(1, 1)
            del network.training
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert everything(network) == before


def test_a_pending_backward_pass_goes_on() -> None:
    network = partly_trained("jelly")
    loss = network(INPUT).sum()
    with left_as_it_was(network):
        forget(network)
        compiled(network)
    loss.backward()


def test_values_come_back_in_place() -> None:
    network = nn.BatchNorm1d(WIDTH)
    network.hidden = [nn.Linear(WIDTH, WIDTH)]
    weight, mean, hidden = network.weight, network.running_mean, network.hidden[0].weight
    values = [tensor.detach().clone() for tensor in (weight, mean, hidden)]
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    with left_as_it_was(network):
        network(torch.rand(8, WIDTH))
        with torch.no_grad():
            weight.mul_(3)
        weight.data = torch.zeros(2)
        weight.requires_grad_(False)
        hidden.data.add_(1)
        network.hidden.clear()
        network.running_mean = None
    assert network.weight is weight
    assert weight.requires_grad
    assert network.running_mean is mean
    assert network.hidden[0].weight is hidden
    assert all(torch.equal(a, b) for a, b in zip((weight, mean, hidden), values, strict=True))
    network(torch.rand(8, WIDTH)).sum().backward()
    optimiser.step()
    assert not torch.equal(weight, values[0])


def test_tensors_without_values_are_no_obstacle() -> None:
    network = nn.Linear(2, 2, device="meta")
    network.lazy = UninitializedParameter()
    network.sparse = torch.eye(2).to_sparse()
    with left_as_it_was(network):
        network.eval()
    assert network.training


def test_the_process_is_left_as_it_was(tmp_path) -> None:
    def state() -> list[Any]:
        states = [torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate(), os.getcwd()]
        return [*states, torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()]

    before = state()
    with left_as_it_was():
        torch.rand(3), np.random.rand(), random.random()
        os.chdir(tmp_path)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(2)
        assert all(now != then for now, then in zip(state(), before, strict=True))
    assert state() == before
