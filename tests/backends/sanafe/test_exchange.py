"""A command gets the network as files and leaves spikes; whatever else it does is one error."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict

import numpy as np
import pytest

from backends.sanafe.emit import flat_network
from backends.sanafe.exchange import run_command
from ir.errors import CompileError
from tests.backends.sanafe import flat_simulator
from tests.filled_cores import fill_cores

STAND_IN = (sys.executable, flat_simulator.__file__)
LEAVE = "import sys, numpy as np; np.savez(sys.argv[1] + '/spikes.npz', {})"


@pytest.fixture
def network(draw):
    graph, inputs = draw(3)
    return flat_network(graph, fill_cores(graph, 5), inputs)


def test_spikes_come_back(network):
    spikes = run_command(STAND_IN, network)
    assert spikes.any()
    assert np.array_equal(spikes, flat_simulator.simulate(**asdict(network)))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("no-such-program", "3"), "'no-such-program 3' cannot be started: No such file"),
        ((sys.executable, "-c", "raise SystemExit('no sanafe')"), "ended with 1: no sanafe"),
        ((sys.executable, "-c", "pass"), "left no spikes"),
        ((sys.executable, "-c", LEAVE.format("other=np.zeros(3)")), "left no spikes"),
        (
            (sys.executable, "-c", LEAVE.format("spikes=np.zeros((1, 2, 3), np.uint8)")),
            r"left uint8 spikes of shape \(1, 2, 3\)",
        ),
    ],
    ids=["nowhere", "fails", "nothing", "other", "shape"],
)
def test_what_a_command_does_wrong_is_one_error(network, command, said):
    with pytest.raises(CompileError) as error:
        run_command(command, network)
    assert error.value.rule == "sanafe.command"
    assert re.search(said, error.value.what)
