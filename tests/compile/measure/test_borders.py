"""What crosses between phases, counted by hand."""

from __future__ import annotations

from fractions import Fraction

import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.measure.borders import borders
from ir.interpreter import interpret
from tests.compile.stages.test_phase import SAMPLES, STEPS, TOKENS, WIDTH, Fusion, Mean, four_spikes


def test_events_on_either_side_of_a_border() -> None:
    torch.manual_seed(0)
    module, x = Fusion().eval(), 2 * torch.rand(STEPS, SAMPLES, TOKENS, 5)
    program = compile_model(module, "gpu", example=x)
    trace = program.run(x)
    (border,) = borders(program, trace.events)
    crossed, _ = program.phases[0].run(program.host_inputs(x), ())
    second = program.phases[1].deployment
    before = interpret(second.prologue, {node.name: crossed[node.name] for node in second.prologue.inputs})
    fed = second.encode({**crossed, **before})
    assert border.after == 1
    assert border.fed.events == Fraction(sum(int((value != 0).sum()) for value in fed.values()), SAMPLES)
    assert set(border.operations) >= {"mul", "time_sum"}
    assert f"{round(border.read.events):,} events" in border.text()


def test_a_border_says_when_the_next_phase_begins_and_what_it_gets() -> None:
    """By hand, see `test_phase`: 4 spikes of two samples are read; they and 12 payloads of 3 bits are handed over."""
    program = compile_model(Mean(), "gpu", example=four_spikes())
    (border,) = borders(program, program.run(four_spikes()).events)
    assert border.text() == (
        "after phase 1 the host reads 2 events, computes time_sum, and hands over 8 events with 18 bits of payload from step 5 on"
    )
    assert border.plain() == {
        "after": 1,
        "read": 2,
        "read_bits": 0,
        "fed": 8,
        "fed_bits": 18,
        "energy_pj": None,
        "operations": ["time_sum"],
        "begins": 5,
    }


def test_one_phase_has_no_border() -> None:
    x = torch.rand(STEPS, SAMPLES, WIDTH)
    program = compile_model(nn.Sequential(nn.Linear(WIDTH, 4), neuron.LIFNode(step_mode="m")), "gpu", example=x)
    assert borders(program, program.run(x).events) == ()
