"""Read-outs: as torch computes them, over features and over the window, ties included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from compile import compile_model
from frontend.function_rules.readouts import RULES
from frontend.tracing.trace import trace_module
from ir.interpreter import interpret
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor

CASES: dict[str, Compute] = {
    "topk": lambda x, y, s: torch.cat([*x.topk(3, -1), *torch.topk(y.mT, 2, 2, largest=False)[::-1]][:2], -1),
    "sort": lambda x, y, s: x.sort(-1).values + torch.sort(y, 2, descending=True)[0] * x.sort(0)[1],
    "argsort": lambda x, y, s: x.argsort() + torch.argsort(y, 2, True),
    "var_mean": lambda x, y, s: sum(torch.var_mean(x, (0, 2), keepdim=True)) + torch.var_mean(y, -1)[1][..., None],
    "std_mean": lambda x, y, s: torch.std_mean(x, -1, unbiased=False)[0] * torch.std_mean(y, -1)[1],
    "softmin": lambda x, y, s: F.softmin(x, -1),
    "logcumsumexp": lambda x, y, s: torch.logcumsumexp(x, 0) + y.logcumsumexp(3),
    "amax": lambda x, y, s: x.amax((0, 3)) + y.amax(2, keepdim=True)[0].amax(-1) + s.amax((1, 2))[:, None],
    "amin": lambda x, y, s: torch.amin(x.permute(3, 2, 1, 0), (0, 3)).T + y.amin(0).amin(-1),
    "any": lambda x, y, s: (x > 0).any(0).float() + torch.any(y > 0, dim=-1)[0].float()[..., None],
    "all": lambda x, y, s: torch.all(x > -1, 0).float() + (y > 0).all(-1, keepdim=True)[0],
    "count_nonzero": lambda x, y, s: (
        torch.count_nonzero(x > 0, dim=0) + (y > 0).float().count_nonzero(-1)[0][..., None]
    ),
    "max": lambda x, y, s: x.max(3).values + torch.max(y, 2, keepdim=True)[0][..., 0] + x.max(y).sum(-1),
    "min": lambda x, y, s: x.min(0).values + torch.min(y, 0)[1] + torch.min(x, other=y)[0],
    "argmax": lambda x, y, s: x.argmax(-1) + torch.argmax(y.transpose(2, 3), 2, keepdim=True)[:, :, 0],
    "argmin": lambda x, y, s: x.argmin(0),
    "logsumexp": lambda x, y, s: x.logsumexp((0, 2)) + torch.logsumexp(y, 2)[0],
    "prod": lambda x, y, s: x.prod(2) + torch.prod(y, 0, keepdim=True).prod(2),
    "var": lambda x, y, s: (
        x.var((0, 2)) + y.var(3, unbiased=False).mean((0, 2))[:, None] + x.var(0, correction=2)[:, 0]
    ),
    "std": lambda x, y, s: torch.std(x, 0) + torch.std(y, (2, 3), keepdim=True)[0],
    "softmax": lambda x, y, s: F.softmax(x, -1) + torch.softmax(y, 2) + s.softmax(1),
    "log_softmax": lambda x, y, s: F.log_softmax(x.flatten(2), -1) + torch.log_softmax(y, 0).flatten(2),
    "cumsum": lambda x, y, s: x.cumsum(0) + torch.cumsum(y, 3),
    "cumprod": lambda x, y, s: x.cumprod(2),
    "normalize": lambda x, y, s: F.normalize(x.flatten(2), dim=-1),
    "cosine_similarity": lambda x, y, s: F.cosine_similarity(x, y, dim=-1),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "largest steps": (lambda x, y, s: x.topk(2, 0)[0], "import.topk"),
    "too many largest": (lambda x, y, s: x.topk(9)[0], "import.forward"),
    "stable sort": (lambda x, y, s: torch.sort(x, stable=True)[0], "import.along"),
    "any of numbers": (lambda x, y, s: x.any(0), "import.truth"),
    "how many numbers": (lambda x, y, s: torch.count_nonzero(x, dim=0), "import.truth"),
    "largest of the batch": (lambda x, y, s: x.amax(1), "import.axes"),
    "largest of everything": (lambda x, y, s: x.max(), "import.axes"),
    "index of everything": (lambda x, y, s: x.argmax(), "import.axes"),
    "softmax over the batch": (lambda x, y, s: x.softmax(1), "import.axes"),
    "softmax in float64": (lambda x, y, s: F.softmax(x, -1, dtype=torch.float64), "import.along"),
}


class TestReadouts(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


class _Net(nn.Module):
    def __init__(self, readout: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.readout = readout

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(x)


TIES: dict[str, Callable[[Tensor], Tensor]] = {
    "argmax": lambda x: x.argmax(-1),
    "argmax over time": lambda x: x.sum(-1, keepdim=True).argmax(0),
    "index of max": lambda x: x.max(-1).indices,
    "index of min over time": lambda x: x.sum(-1).min(0).indices,
    "argmin": lambda x: x.argmin(2),
}


@pytest.mark.parametrize("name", TIES)
def test_ties_are_decided_as_torch_decides_them(name: str):
    x = (torch.rand(4, 64, 9, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    graph = trace_module(_Net(TIES[name]).eval(), {"x": x}, [], 4, "net")
    want = TIES[name](x)
    for inputs in (x, x.numpy()):
        got = torch.as_tensor(interpret(graph, {"x": inputs})["output"])
        assert got.dtype == torch.int64
        assert torch.equal(got if graph.nodes[graph.outputs["output"]].type.static is False else got[0], want)


def test_the_largest_of_spikes_is_an_or_between_neurons():
    from spikingjelly.activation_based import neuron

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Linear(12, 8), nn.Linear(4, 3)
            self.first, self.last = neuron.IFNode(step_mode="m"), neuron.IFNode(step_mode="m")

        def forward(self, x: Tensor) -> Tensor:
            spikes = self.first(self.up(x)).unflatten(-1, (2, 4))
            return self.last(self.down(spikes.amax(-2) + spikes.max(2).values))

    torch.manual_seed(0)
    net = Net().eval()
    for layer in (net.up, net.down):
        layer.weight.data.mul_(4)
    x = (torch.rand(6, 3, 12) < 0.4).float()
    want = net(x).detach().numpy()
    assert want.any()
    np.testing.assert_array_equal(
        compile_model(net, "gpu", precision="float", example=x).run(x).outputs["output"], want
    )
