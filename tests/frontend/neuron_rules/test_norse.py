"""Norse's layers and cells, traced as users write them, equal to Norse's own forward pass at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from frontend.names import qualified_name
from frontend.neuron_rules.norse import NORSE_CELLS, NORSE_LAYERS
from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret

norse = pytest.importorskip("norse.torch")
torch.set_num_threads(1)
STEPS, WIDTH = 12, 40
RATES = {"tau_mem_inv": torch.tensor(250.0), "v_leak": torch.tensor(0.25), "v_th": torch.tensor(0.6)}
SYNAPSE = {"tau_syn_inv": torch.tensor(500.0)}


def _box(**options: Any) -> Any:
    return norse.LIFBoxParameters(**RATES, v_reset=torch.tensor(-0.25), **options)


def _subtracting() -> Any:
    from norse.torch.functional.reset import reset_subtract

    return _box(reset_method=reset_subtract)


LIF = norse.LIFParameters(**RATES, **SYNAPSE, v_reset=torch.tensor(0.125))
LI = norse.LIParameters(tau_mem_inv=torch.tensor(250.0), tau_syn_inv=torch.tensor(125.0), v_leak=torch.tensor(0.5))
IAF = norse.IAFParameters(v_th=torch.tensor(1.5), v_reset=torch.tensor(-0.5))
NEURONS: dict[str, Callable[[], nn.Module]] = {
    "LIF": lambda: norse.LIF(LIF),
    "default LIF": lambda: norse.LIF(),
    "finer LIF": lambda: norse.LIF(LIF, dt=0.0005),
    "LIFCell": lambda: norse.LIFCell(LIF),
    "LIFBoxCell": lambda: norse.LIFBoxCell(_box()),
    "subtracting LIFBoxCell": lambda: norse.LIFBoxCell(_subtracting()),
    "IAF": lambda: norse.IAF(IAF),
    "IAFCell": lambda: norse.IAFCell(IAF),
    "LI": lambda: norse.LI(LI),
    "LICell": lambda: norse.LICell(LI),
    "LIBoxCell": lambda: norse.LIBoxCell(norse.LIBoxParameters(tau_mem_inv=torch.tensor(250.0))),
}
ADAPTIVE = norse.LSNNParameters(**RATES, **SYNAPSE, tau_adapt_inv=torch.tensor(125.0), beta=torch.tensor(0.5))
RESTING = norse.LIFRefracParameters(lif=LIF, rho_reset=torch.tensor(2.0))
ADEX = norse.LIFAdExParameters(
    **RATES, **SYNAPSE, tau_ada_inv=torch.tensor(125.0), adaptation_spike=torch.tensor(0.25), delta_T=torch.tensor(0.5)
)
NEURONS |= {
    "LIFRecurrentCell": lambda: norse.LIFRecurrentCell(WIDTH, WIDTH, LIF),
    "LIFRecurrent with autapses": lambda: norse.LIFRecurrent(WIDTH, WIDTH, LIF, autapses=True),
    "LIFRecurrent of other width": lambda: norse.LIFRecurrent(WIDTH, 30, LIF),
    "LSNN": lambda: norse.LSNN(ADAPTIVE),
    "LSNNCell": lambda: norse.LSNNCell(ADAPTIVE),
    "LSNNRecurrent": lambda: norse.LSNNRecurrent(WIDTH, WIDTH, ADAPTIVE),
    "LSNNRecurrentCell": lambda: norse.LSNNRecurrentCell(WIDTH, WIDTH, ADAPTIVE),
    "LIFRefracCell": lambda: norse.LIFRefracCell(RESTING),
    "LIFRefracRecurrentCell": lambda: norse.LIFRefracRecurrentCell(WIDTH, WIDTH, RESTING),
    "LIFRefracRecurrent": lambda: norse.LIFRefracRecurrent(WIDTH, WIDTH, RESTING),
    "LIFAdEx": lambda: norse.LIFAdEx(ADEX),
    "LIFAdExCell": lambda: norse.LIFAdExCell(ADEX),
    "LIFAdExRecurrent": lambda: norse.LIFAdExRecurrent(WIDTH, WIDTH, ADEX),
    "LIFAdExRecurrentCell": lambda: norse.LIFAdExRecurrentCell(WIDTH, WIDTH, ADEX),
}


def _rows(parameters: Any, *names: str) -> Any:
    """Parameters of which some differ from neuron to neuron."""
    return parameters._replace(
        **{name: getattr(parameters, name) * torch.linspace(0.5, 1.5, WIDTH).roll(k) for k, name in enumerate(names)}
    )


ROWS = ("tau_mem_inv", "tau_syn_inv", "v_th", "v_reset")
NEURONS |= {
    "LIF of its own rows": lambda: norse.LIF(_rows(LIF, *ROWS)),
    "LIFCell of its own rows": lambda: norse.LIFCell(_rows(LIF, *ROWS)),
    "LIFBoxCell of its own rows": lambda: norse.LIFBoxCell(_rows(_box(), "tau_mem_inv", "v_th")),
    "IAF of its own rows": lambda: norse.IAF(_rows(IAF, "v_th")),
    "LI of its own rows": lambda: norse.LI(_rows(LI, "tau_mem_inv", "tau_syn_inv")),
    "LSNN of its own rows": lambda: norse.LSNN(_rows(ADAPTIVE, "beta", "tau_adapt_inv")),
    "LIFRefracCell of its own rows": lambda: norse.LIFRefracCell(RESTING._replace(lif=_rows(LIF, *ROWS))),
}


def _lifted(neuron: nn.Module) -> nn.Module:
    return norse.Lift(neuron) if qualified_name(type(neuron)) in NORSE_CELLS else neuron


class First(nn.Module):
    """The output without the state."""

    def __init__(self, neuron: nn.Module) -> None:
        super().__init__()
        self.neuron = _lifted(neuron)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.neuron(x)[0]


def test_every_rule_is_tested() -> None:
    assert {qualified_name(type(make())) for make in NEURONS.values()} == {*NORSE_CELLS, *NORSE_LAYERS}


@pytest.mark.parametrize("name", NEURONS)
def test_every_step_is_equal(name: str) -> None:
    torch.manual_seed(0)
    net = First(NEURONS[name]()).eval()
    graph = trace_module(net, {"x": torch.rand(STEPS, 2, WIDTH)}, [], STEPS, "net")
    x = torch.randn(STEPS, 9, WIDTH, generator=torch.Generator().manual_seed(0)) + 0.4
    check_import(net, graph, {"x": x})
    with torch.no_grad():
        theirs = net(x)
    ours = interpret(graph, {"x": x})["output"]
    if "LI" in name and "LIF" not in name:
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)
    else:
        assert torch.equal(ours, theirs)
        assert float(theirs.mean()) > 0.02


def test_a_sequential_network() -> None:
    torch.manual_seed(0)
    net = norse.SequentialState(
        norse.Lift(nn.Conv1d(2, 3, 3)), norse.LIF(LIF), nn.Flatten(2), nn.Linear(18, 8), norse.LIF(LIF), norse.LI()
    ).eval()
    nn.init.uniform_(net[3].weight, 0, 1)
    x = (torch.rand(STEPS, 4, 2, 8) < 0.5).float()
    graph = trace_module(net, {"input_tensor": x}, [], STEPS, "net")
    assert [node.op.kind for node in graph.nodes.values()] == [
        "input",
        "conv",
        "lif",
        "reshape",
        "linear",
        "lif",
        "leaky",
    ]
    checked = check_import(net, graph, {"input_tensor": x})
    assert len(checked.layers) == 2


def test_a_sequence_of_cells_in_a_loop_by_hand() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = norse.SequentialState(nn.Linear(6, 8), norse.LIFCell(LIF), nn.Linear(8, 3), norse.LICell())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            state, outs = None, list[torch.Tensor]()
            for step in x:
                out, state = self.cells(step, state)
                outs.append(out)
            return torch.stack(outs)

    net, x = Loop().eval(), torch.rand(STEPS, 5, 6) * 2
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    assert [node.op.kind for node in graph.nodes.values()] == ["input", "linear", "lif", "linear", "leaky"]
    check_import(net, graph, {"x": x})


def _started(neuron: nn.Module) -> nn.Module:
    class Started(First):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            start = torch.zeros(x.shape[1:])
            return self.neuron(x, norse.LIFFeedForwardState(start, start))[0]

    return Started(neuron)


REFUSED: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "compartments": (
        lambda: First(norse.LIFMCRecurrentCell(WIDTH, WIDTH)),
        "import.module",
        "LIFMCRecurrentCell, which has state",
    ),
    "given state": (lambda: _started(norse.LIF()), "import.state", "starts from a state"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_rule_covers_is_refused(case: str) -> None:
    make, rule, text = REFUSED[case]
    with pytest.raises(CompileError, match=text) as caught:
        trace_module(make().eval(), {"x": torch.rand(STEPS, 2, WIDTH)}, [], STEPS, "net")
    assert caught.value.rule.startswith(rule)
