"""What a model computes for itself is left out; where a neuron, an output or Python needs it, it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.storage.unused import unreadable
from frontend.tracing.trace import trace_module
from ir.errors import CompileError

STEPS = 4


class Noted(nn.Module):
    """Neurons of a framework, neurons that are written out, and what a model notes of the spikes of both."""

    def __init__(self, note: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.fc, self.lif, self.note = nn.Linear(5, 5), LIFNode(step_mode="m"), note
        self.register_buffer("rate", torch.zeros(5))
        nn.init.normal_(self.fc.weight, std=2.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lif(self.fc(x))
        used = self.note(self, x)
        x = x if used is None else x + used
        membrane, spikes = torch.zeros_like(x[0]), list[Tensor]()
        for step in x:
            membrane = 0.5 * membrane + step
            spikes.append((membrane > 1.0).float())
            membrane = membrane * (1 - spikes[-1])
        out = torch.stack(spikes)
        self.note(self, out)
        return out


def imported(note: Callable[[Any, Tensor], Any]) -> None:
    torch.manual_seed(0)
    net, x = Noted(note).eval(), 2 * torch.rand(STEPS, 3, 5)
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    layers = check_import(net, graph, {"x": x}).layers
    assert len(layers) == 2


def keeps(make: Callable[[Tensor], Any]) -> Callable[[Any, Tensor], None]:
    """A note that keeps something as an attribute."""

    def note(net: Any, x: Tensor) -> None:
        net.kept = make(x)

    return note


def running(net: Any, x: Tensor) -> None:
    net.rate = 0.9 * net.rate + 0.1 * x.mean((0, 1)).detach()


def finite(_net: Any, x: Tensor) -> None:
    assert not torch.isnan(x).any()
    assert bool(torch.isfinite(x).all())


NOTES: dict[str, Callable[[Any, Tensor], None]] = {
    "a mean": keeps(lambda x: x.mean()),
    "a rate of neurons": keeps(lambda x: x.detach().mean((0, 1))),
    "a share": keeps(lambda x: x.sum() / x.numel()),
    "a loss": keeps(lambda x: ((x.mean((0, 1)) - 0.1) ** 2).sum()),
    "an entry": keeps(lambda x: x.mean((0, 1))[2]),
    "a loss of torch": keeps(lambda x: nn.functional.mse_loss(x, torch.zeros_like(x))),
    "no rule": keeps(lambda x: torch.lgamma(x + 1)),
    "in a list": keeps(lambda x: [each + 1 for each in x.std((0, 1)).unbind()]),
    "silent neurons": keeps(lambda x: (x.mean((0, 1)) > 0).sum()),
    "an array": keeps(lambda x: x.detach().cpu().numpy().mean()),
    "a text": keeps(lambda x: f"{x.mean():.3f}"),
    "running": running,
    "finite": finite,
}


@pytest.mark.parametrize("name", NOTES)
def test_what_nobody_needs_is_left_out(name: str) -> None:
    imported(NOTES[name])


NEEDED: dict[str, tuple[Callable[[Any, Tensor], Any], str, str]] = {
    "by a neuron": (lambda net, x: x.mean((0, 1)), "import.axes", "sums over the batch axis"),
    "by a neuron, later": (lambda net, x: x.mean((0, 1)).exp().unsqueeze(0), "import.axes", "sums over the batch axis"),
    "by an assertion": (lambda net, x: None if x.min() >= 0 else x, "import.values", "__bool__"),
    "as a number": (lambda net, x: x.mean().item(), "import.values", "item"),
    "as a number of an array": (lambda net, x: float(x.numpy().mean()), "import.values", "numpy"),
    "as a truth value of an array": (lambda net, x: None if x.numpy().max() < 2 else x, "import.values", "numpy"),
    "as an array": (lambda net, x: torch.from_numpy(x.numpy()), "import.finite", "NaN"),
    "as a form": (lambda net, x: float(len(torch.unique(x))), "import.function", "unique"),
    "as a choice": (lambda net, x: float(len(x[x.mean((1, 2)) > 0])), "import", "import"),
    "by a buffer": (lambda net, x: net.rate.copy_(x.mean((0, 1))), "import.axes", "sums over the batch axis"),
    "by a comparison": (lambda net, x: (torch.lgamma(x) > 0).float(), "import.function", "lgamma"),
    "what is not finite": (lambda net, x: torch.isinf(1 / x).float(), "import.finite", "isinf"),
    "where torch fails, too": (lambda net, x: torch.trace(x), "import.function", "trace"),
    "as a place in memory": (lambda net, x: float(x.mean().data_ptr() % 2), "import.axes", "sums over the batch axis"),
}


@pytest.mark.parametrize("name", NEEDED)
def test_what_somebody_needs_is_refused(name: str) -> None:
    note, rule, what = NEEDED[name]
    with pytest.raises(CompileError, match=what) as caught:
        imported(note)
    assert caught.value.rule.startswith(rule)
    assert caught.value.where == "Noted"


def test_an_output_of_all_samples_is_refused_with_its_reason() -> None:
    class Returns(Noted):
        """Returns its rates, too."""

        def forward(self, x: Tensor) -> Any:
            spikes = super().forward(x)
            return spikes, spikes.mean((0, 1))

    net = Returns(lambda net, x: None).eval()
    with pytest.raises(CompileError, match="what is of all of them is no output"):
        trace_module(net, {"x": torch.rand(STEPS, 3, 5)}, [], STEPS, "net")


def test_an_array_for_a_log_computes_and_tells_nothing() -> None:
    array = unreadable(np.ones((2, 3), np.float32))
    assert (array.dtype, array.shape) == (np.float32, (2, 3))
    assert unreadable(np.ones(2, np.uint8)).dtype == np.float16
    for look in (bool, float, lambda a: a.item(), lambda a: a.tolist(), lambda a: f"{a:.1f}"):
        with pytest.raises(CompileError, match="numpy"):
            look(array.mean() + 1)
