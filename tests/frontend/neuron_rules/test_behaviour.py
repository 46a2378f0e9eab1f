"""A subclass counts as the neuron that it inherits from where it fires alike on currents made of ties; else it is refused."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from frontend.neuron_rules.behaviour import NEURONS, STEPS, behaves, check_behaviour, tie_currents
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.ops import Leaky, Lif
from tests.frontend.neuron_rules.dynamic_threshold import DynamicThreshold

snntorch = pytest.importorskip("snntorch")


class Net(nn.Module):
    def __init__(self, lif: nn.Module) -> None:
        super().__init__()
        self.lif = lif

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(x)


class Doubled(neuron.LIFNode):
    def neuronal_fire(self) -> torch.Tensor:
        return super().neuronal_fire()

    def multi_step_forward(self, x_seq: torch.Tensor) -> torch.Tensor:
        return super().multi_step_forward(2 * x_seq)


@pytest.mark.parametrize("acts", [True, False])
def test_a_dynamic_threshold_equal_to_the_threshold_is_ignored(acts: bool) -> None:
    trace_module(Net(DynamicThreshold(1.0, acts)).eval(), {"x": torch.rand(STEPS, 2, 4)}, [], STEPS, "net")


class Slower(snntorch.Leaky):
    """A neuron of snnTorch's that halves what it reads."""

    def forward(self, input_: torch.Tensor, mem: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(input_ / 2, mem)


def test_a_subclass_with_dynamics_of_its_own_is_refused() -> None:
    class Loop(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([self.lif(step)[0] for step in x])

    with pytest.raises(CompileError, match="Slower") as caught:
        trace_module(Loop(Slower(beta=0.5, init_hidden=False)).eval(), {"x": torch.rand(STEPS, 2, 4)}, [], STEPS, "net")
    assert caught.value.rule == "import.module"
    assert caught.value.where


def test_whether_it_behaves_is_found_out_once() -> None:
    module, asked = Doubled(step_mode="m").eval(), list[nn.Module]()

    def rule(module: nn.Module) -> Lif:
        asked.append(module)
        return Lif(decay=0.5)

    assert [behaves(module, rule, single_step=False) for _ in range(2)] == [False, False]
    assert behaves(neuron.LIFNode(step_mode="m").eval(), rule, single_step=False)
    assert asked[0] is module
    assert len(asked) == 2


@pytest.mark.parametrize("step_mode", ["s", "m"])
def test_the_neuron_itself_behaves_and_is_left_as_it_is(step_mode: str) -> None:
    module = neuron.LIFNode(step_mode=step_mode)
    module(torch.full((STEPS, 2), 0.3))
    before = module.v
    check_behaviour(module, Lif(decay=0.5), single_step=step_mode == "s")
    assert module.v is before


@pytest.mark.parametrize(
    "op",
    [
        Lif(decay=0.5, comparator=">"),
        Lif(decay=0.5, reset="subtract"),
        Lif(decay=0.25),
        Lif(decay=0.5, threshold=1.001),
    ],
)
def test_any_other_neuron_is_told_apart(op: Lif) -> None:
    with pytest.raises(CompileError, match="LIFNode does not behave like the neuron it inherits from"):
        check_behaviour(neuron.LIFNode(step_mode="m"), op, single_step=False)


def test_what_cannot_be_reset_or_does_not_fire_cannot_be_probed() -> None:
    for module, op in ((neuron.LIFNode(step_mode="m"), Leaky(decay=0.5)), (nn.Identity(), Lif(decay=0.5))):
        with pytest.raises(CompileError, match="cannot be probed"):
            check_behaviour(module, op, single_step=False)


def test_currents_are_eighths_of_the_threshold_and_full_of_ties() -> None:
    currents = tie_currents(0.75)
    assert currents.shape == (STEPS, 1, NEURONS)
    eighths = currents / 0.75 * 8
    assert torch.equal(eighths, eighths.round())
    assert float((torch.cumsum(currents, 0) == 0.75).float().mean()) > 0.01
