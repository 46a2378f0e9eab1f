"""Elements that move: as torch moves them; and as spikes between neurons, where each move is a wire."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from frontend.function_rules.rerouting import RULES
from frontend.tracing.trace import trace_module
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
Tensor = torch.Tensor
MASK = (torch.arange(24) % 3 > 0).reshape(4, 6)


def _maps(x: Tensor, *sizes: int) -> Tensor:
    return x.flatten(0, 1).reshape(-1, *sizes)


CASES: dict[str, Compute] = {
    "flip": lambda x, y, s: torch.flip(x, (-1,)) + y.flip(2, 3) + s.flip(1),
    "fliplr": lambda x, y, s: s.flatten(1).fliplr(),
    "unfold": lambda x, y, s: (
        F.unfold(_maps(x, 2, 3, 4), 2, padding=1).unflatten(0, (STEPS, -1)).sum(-1)
        + F.unfold(_maps(y, 2, 4, 3), (2, 2), stride=(2, 1)).unflatten(0, (STEPS, -1)).sum(-1)
        + y.unfold(3, 2, 2).flatten(2)[..., :8]
    ),
    "roll": lambda x, y, s: torch.roll(x, 2, -1) + y.roll((1, -2), (2, 3)),
    "rot90": lambda x, y, s: torch.rot90(x, 1, (2, 3)).sum(2) + torch.rot90(y, 2, (2, 3)).sum(3, keepdim=True)[:, :, 0],
    "take_along_dim": lambda x, y, s: torch.take_along_dim(x, torch.tensor([[[[3, 0, 5]]]]), -1),
    "tril": lambda x, y, s: torch.tril(x) + y.tril(-1),
    "triu": lambda x, y, s: torch.triu(x, 1),
    "diagonal": lambda x, y, s: torch.diagonal(x, 1, 2, 3),
    "repeat_interleave": lambda x, y, s: x.repeat_interleave(2, 3) + torch.repeat_interleave(y[..., :4], 3, -1),
    "tile": lambda x, y, s: x.tile(1, 1, 2, 1) + torch.tile(s, (2, 1)),
    "pixel_shuffle": lambda x, y, s: F.pixel_shuffle(_maps(x, 4, 2, 3), 2).unflatten(0, (STEPS, -1)),
    "pixel_unshuffle": lambda x, y, s: F.pixel_unshuffle(_maps(x, 1, 4, 6), 2).unflatten(0, (STEPS, -1)),
    "channel_shuffle": lambda x, y, s: F.channel_shuffle(_maps(x, 4, 2, 3), 2).unflatten(0, (STEPS, -1)),
    "pad": lambda x, y, s: (
        F.pad(x, (1, 2, -1, 2))
        + F.pad(x, (1, 2, 1, 0), mode="reflect")
        + F.pad(y, (3, 0, 0, 1), mode="circular")
        + F.pad(s, (0, 3, 0, 1), mode="replicate")
    ),
    "where": lambda x, y, s: (
        torch.where(MASK, x, y) + torch.where(MASK[0], s, 0.0) + torch.where(MASK[1:2], torch.zeros(1), y)
    ),
    "masked_fill": lambda x, y, s: (
        x.masked_fill(MASK, 0) + y.masked_fill(MASK[:, :1], 0.0) + x.masked_fill(y > 0, 2.0) * torch.where(y > 0, x, y)
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "samples rolled": (lambda x, y, s: x.roll(1, 1), "import.axes"),
    "everything rolled": (lambda x, y, s: x.roll(1), "import.axes"),
    "pad in batch": (lambda x, y, s: F.pad(x, (0, 0, 0, 0, 1, 0)), "import.axes"),
    "padded with ones": (lambda x, y, s: F.pad(x, (1, 1), value=1.0), "import.pad"),
    "ones where": (lambda x, y, s: torch.where(MASK, x, 1.0), "import.where"),
    "chosen by what is computed": (lambda x, y, s: torch.take_along_dim(x, x.argmax(2, True), 2), "import.index"),
    "outputs behind the batch": (lambda x, y, s: x.movedim(2, 0).flip(3), "import.outputs"),
}


class TestRerouting(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


OVER_TIME: dict[str, Compute] = {
    "flip": lambda x, y, s: x.flip(0) + y,
    "pad": lambda x, y, s: F.pad(x, (0, 0, 0, 0, 0, 0, 1, 2)),
    "repeat_interleave": lambda x, y, s: x.repeat_interleave(2, 0),
    "tile": lambda x, y, s: x[:, :, :2].tile(3, 1, 2, 1),
    "roll": lambda x, y, s: x.roll((1, 2), (0, 3)),
}
"""Name of a rule -> a function that moves whole steps."""


@pytest.mark.parametrize("name", OVER_TIME)
def test_steps_move_before_the_batch(name: str, check_rule: Callable[[str, Compute], None]) -> None:
    check_rule(name, OVER_TIME[name])


class _Between(nn.Module):
    """Two neuron layers, and a move between them."""

    def __init__(self, move: Callable[[Tensor], Tensor], outputs: int) -> None:
        super().__init__()
        self.move = move
        self.up, self.down = nn.Linear(6, 6), nn.Linear(outputs, 4)
        self.first, self.last = neuron.IFNode(0.5, step_mode="m"), neuron.IFNode(0.5, step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.down(self.move(self.first(self.up(x)))))


MOVES: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "flip": (lambda s: s.flip(-1), 6),
    "every other one": (lambda s: s[..., ::2], 3),
    "chosen": (lambda s: s[..., [5, 0, 0, 2]], 4),
    "masked": (lambda s: torch.where(MASK, s, 0), 6),
    "masked and negated": (lambda s: (1 - s).masked_fill(MASK, 0), 6),
    "padded": (lambda s: F.pad(s, (1, 2)), 9),
    "padded and negated": (lambda s: F.pad(1 - s, (1, 2)), 9),
    "reflected": (lambda s: F.pad(s, (2, 2, 1, 1), mode="reflect"), 10),
    "chosen from two": (lambda s: torch.where(MASK, s, s.roll(1, -1)), 6),
    "a sum, rolled": (lambda s: (s + s.flip(2)).roll(2, -1), 6),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=[pytest.mark.lava, pytest.mark.slow])])
def test_spikes_between_neurons_move(move: str, target: str):
    torch.manual_seed(0)
    net = _Between(*MOVES[move]).eval()
    for parameter in net.parameters():
        parameter.data.mul_(16).round_().div_(8)
    x = (torch.rand(4, 3, 4, 6) < 0.5).float()
    want = net(x).detach().numpy()
    assert 0 < want.mean() < 1
    assert np.array_equal(compile_model(net, "gpu", precision="float", example=x).run(x).outputs["output"], want)
    for layer in (net.first, net.last):
        layer.reset()
    assert np.array_equal(compile_model(net, target, example=x).run(x).outputs["output"], want)


@pytest.mark.parametrize(
    ("move", "wires"),
    [
        (lambda x: x.flip(-1), "gather(%x) {axis=1, index=(5, 4, 3, 2, 1, 0)}"),
        (lambda x: x.roll(1, 2), "gather(%x) {axis=0, index=(3, 0, 1, 2)}"),
        (lambda x: torch.where(MASK[0], x, 0), "gather(%x) {axis=1, index=(-1, 1, 2, -1, 4, 5)}"),
        (lambda x: x[..., 1::2], "gather(%x) {axis=1, index=(1, 3, 5)}"),
    ],
)
def test_a_move_along_one_axis_is_said_by_that_axis(move: Callable[[Tensor], Tensor], wires: str):
    from ir.text import graph_text

    class Moves(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return move(x)

    text = graph_text(trace_module(Moves().eval(), {"x": torch.rand(3, 2, 4, 6)}, [], 3, "net"))
    assert wires in text
