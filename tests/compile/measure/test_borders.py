"""What crosses between phases, counted by hand."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.measure.borders import borders
from ir.interpreter import interpret
from tests.compile.stages.test_phase import SAMPLES, STEPS, TOKENS, WIDTH, Fusion


def test_events_on_either_side_of_a_border() -> None:
    torch.manual_seed(0)
    module, x = Fusion().eval(), 2 * torch.rand(STEPS, SAMPLES, TOKENS, 5)
    program = compile_model(module, "gpu", example=x)
    trace = program.run(x)
    (border,) = borders(program.phases, trace.events)
    crossed, _ = program.phases[0].run(program.host_inputs(x), ())
    second = program.phases[1].deployment
    before = interpret(second.prologue, {node.name: crossed[node.name] for node in second.prologue.inputs})
    fed = second.encode({**crossed, **before})
    assert border.after == 1
    assert border.fed == round(sum(int((value != 0).sum()) for value in fed.values()) / SAMPLES)
    assert set(border.operations) >= {"mul", "time_sum"}
    assert f"{border.read:,} events" in border.text()


def test_one_phase_has_no_border() -> None:
    x = torch.rand(STEPS, SAMPLES, WIDTH)
    program = compile_model(nn.Sequential(nn.Linear(WIDTH, 4), neuron.LIFNode(step_mode="m")), "gpu", example=x)
    assert borders(program.phases, program.run(x).events) == ()
