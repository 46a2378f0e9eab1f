"""Networks that need the host between neurons: their own forward, step by step, and both targets, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from torch import nn

from compile import compile_model
from compile.stages.phase import first_steps, latency_steps, with_engines
from compile.stages.program import Program
from ir.errors import DeployError

STEPS, SAMPLES, TOKENS, WIDTH = 4, 3, 3, 8


def _lif(threshold: float = 1.0) -> neuron.LIFNode:
    return neuron.LIFNode(tau=2.0, v_threshold=threshold, step_mode="m")


class Fusion(nn.Module):
    """Mean over tokens x mean over the window, added to the spikes: SNNergy's fusion, its essence."""

    def __init__(self, alpha: float = 1.5) -> None:
        super().__init__()
        self.q, self.k, self.mask = nn.Linear(5, WIDTH), nn.Linear(5, WIDTH), _lif(0.6)
        self.q_lif, self.k_lif, self.up, self.up_lif = _lif(), _lif(), nn.Linear(WIDTH, 2 * WIDTH), _lif()
        self.alpha, self.head = nn.Parameter(torch.tensor(alpha)), nn.Linear(2 * WIDTH, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, tokens, 5) -> (B, 3)."""
        q, k = self.q_lif(self.q(x)), self.k_lif(self.k(x))
        masked = self.mask(q.sum(-1, keepdim=True)) * k
        fused = masked.mean(2, keepdim=True) * masked.mean(0, keepdim=True)
        return self.head(self.up_lif(self.up(q + self.alpha * fused)).mean(2)).mean(0)


def _network(seed: int = 0) -> tuple[Fusion, torch.Tensor]:
    torch.manual_seed(seed)
    module = Fusion().eval()
    for linear in (module.q, module.k, module.up):
        nn.init.normal_(linear.weight, 0.2, 0.8)
    return module, 2 * torch.rand(STEPS, SAMPLES, TOKENS, 5)


def _own_spikes(module: Fusion, x: torch.Tensor) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The module's own spikes and output."""
    spikes = dict[str, np.ndarray]()
    hooks = [
        getattr(module, name).register_forward_hook(
            lambda _m, _a, y, name=name: spikes.update({name: y.detach().numpy()})
        )
        for name in ("q_lif", "k_lif", "mask", "up_lif")
    ]
    functional.reset_net(module)
    with torch.no_grad():
        output = module(x).numpy()
    functional.reset_net(module)
    for hook in hooks:
        hook.remove()
    return spikes, output


def test_floats_are_the_modules_own() -> None:
    module, x = _network()
    spikes, output = _own_spikes(module, x)
    program = compile_model(module, "gpu", precision="float", example=x)
    trace = program.run(x)
    assert len(program.phases) == 2
    for name, expected in spikes.items():
        assert expected.any()
        assert np.array_equal(trace.spikes[name], expected), name
    assert np.abs(trace.outputs["output"] - output).max() < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_integers_of_every_phase_are_the_interpreters(seed: int) -> None:
    module, x = _network(seed)
    program = compile_model(module, "gpu", example=x)
    report = program.report(x)
    assert report.passed
    assert report.parts[0].run.verdict.populations >= 4
    assert report.parts[0].match.f1 > 0.9


@pytest.mark.lava
@pytest.mark.slow
def test_lava_runs_the_same_phases() -> None:
    module, x = _network()
    program = compile_model(module, "loihi", example=x)
    ours, theirs = program.run(x), program.on("gpu").run(x)
    assert ours.events == theirs.events
    assert all(np.array_equal(ours.spikes[name], theirs.spikes[name]) for name in theirs.spikes)
    assert np.array_equal(ours.outputs["output"], theirs.outputs["output"])


def _by_hand(program: Program, x: torch.Tensor) -> Mapping[str, torch.Tensor]:
    """The first phase alone; what it hands over."""
    return program.phases[0].run(program.host_inputs(x), ())[0]


def test_the_host_has_the_whole_window_before_the_next_phase() -> None:
    module, x = _network()
    program = compile_model(module, "gpu", example=x)
    trace, crossed = program.run(x), _by_hand(program, x)
    masked = (trace.spikes["mask"] * trace.spikes["k_lif"]).astype(np.float32)
    fused = masked.mean(2, keepdims=True, dtype=np.float32) * masked.mean(0, keepdims=True, dtype=np.float32)
    (product,) = (value for name, value in crossed.items() if name != "q_lif")
    np.testing.assert_allclose(product.numpy(), fused, rtol=1e-6)
    assert np.array_equal(crossed["q_lif"].numpy(), trace.spikes["q_lif"])


def test_one_phase_alone_refuses_what_lies_between_neurons() -> None:
    module, x = _network()
    with pytest.raises(DeployError) as caught:
        compile_model(module, "gpu", example=x, phases=1)
    assert {violation.rule for violation in caught.value.violations} == {"split.time_sum"}
    assert len(compile_model(module, "gpu", example=x, phases=2).phases) == 2


def test_latency_holds_the_windows_of_earlier_phases() -> None:
    module, x = _network()
    program = compile_model(module, "gpu", example=x)
    plans = [phase.deployment.schedule for phase in program.phases]
    assert [plan.latency for plan in plans if plan is not None] == [2, 1]
    assert latency_steps(program.phases) == 2 + STEPS + 1
    assert latency_steps(program.phases[:1]) == 2


class Mean(nn.Module):
    """Neurons that read spikes and their mean over the window."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = neuron.IFNode(step_mode="m"), neuron.IFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 3) -> (T, B, 3)."""
        spikes = self.a(x)
        return self.b(spikes + spikes.mean(0, keepdim=True))


def four_spikes() -> torch.Tensor:
    """Four steps of two samples; `a` fires just so, the means are 1/2, 1/4, 0 and 0, 0, 1/4."""
    x = torch.zeros(4, 2, 3)
    x[0, 0, 0] = x[1, 0, 0] = x[1, 0, 1] = x[3, 1, 2] = 1
    return x


def test_what_crosses_stands_at_its_place_in_time() -> None:
    """
    `a` trails by a step, so that its window ends with step 4, and the second phase begins with step 5. It gets three means
    that are not 0 in every step: payloads of 3 bits, signed, in units of 1/4. There `b` adds up 1.5, 1.5, .5, .5 and .25, 1.25,
    .25, .25 and .25, .25, .25, 1.25, which makes 3, 1 and 1 spikes.
    """
    x = four_spikes()
    program = compile_model(Mean(), "gpu", example=x)
    assert first_steps(program.phases) == (0, 5)
    crossings = program.run(x).crossings
    assert [
        (each.phase, each.to, each.value, each.first, each.steps, each.events, each.bits) for each in crossings
    ] == [
        (1, "chip", "x", 0, 4, 4, 0),
        (1, "host", "a", 1, 4, 4, 0),
        (2, "chip", "a_2", 5, 4, 4, 0),
        (2, "chip", "mean", 5, 4, 4 * 3, 4 * 3 * 3),
        (2, "host", "b", 6, 4, 3 + 1 + 1, 0),
    ]
    passed = program.run(x, ("a_2", "mean"))
    assert np.array_equal(passed.spikes["a_2"], x)
    assert np.array_equal(passed.payloads["mean"][3], [[2, 1, 0], [0, 0, 1]])


def test_a_lava_process_is_one_phase() -> None:
    module, x = _network()
    with pytest.raises(Exception, match="2 phases"):
        compile_model(module, "gpu", example=x).lava_network()


def test_engines_are_made_for_each_phase() -> None:
    module, x = _network()
    program, made = compile_model(module, "gpu", example=x), list[str]()
    with_engines(program.phases, lambda phase: (made.append(phase.deployment.chip.name), program.engine)[1])
    assert made == [phase.deployment.chip.name for phase in program.phases]
