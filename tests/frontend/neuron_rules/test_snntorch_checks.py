"""What is refused of snnTorch's neurons, each by its own check; nets that are refused whole: test_snntorch."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from frontend.neuron_rules.snntorch import states
from frontend.neuron_rules.snntorch_checks import check_snntorch
from ir.errors import CompileError

snn = pytest.importorskip("snntorch")


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"inhibition": True}, "one neuron at a time"),
        ({"state_quant": torch.round}, "quantises its state"),
        ({"threshold": torch.tensor(-1.0)}, "threshold below 0"),
        ({"graded_spikes_factor": torch.tensor(2.0)}, "scales its spikes"),
        ({"reset_mechanism_val": torch.tensor(1)}, "another reset_mechanism"),
        ({"spike_grad": torch.sigmoid}, "does not emit 1 above"),
    ],
)
def test_options(attributes: dict[str, Any], what: str) -> None:
    lif = snn.Leaky(beta=0.5)
    check_snntorch(lif, states(lif))
    for name, value in attributes.items():
        setattr(lif, name, value)
    with pytest.raises(CompileError, match=what):
        check_snntorch(lif, states(lif))


def test_a_class_without_states_and_an_older_snntorch() -> None:
    lif = snn.Leaky(beta=0.5)
    with pytest.raises(CompileError, match="has no rule of its own"):
        check_snntorch(lif, ())
    del lif.reset_delay
    with pytest.raises(CompileError, match="without reset_delay"):
        check_snntorch(lif, states(lif))
    check_snntorch(snn.Lapicque(beta=0.5), ("mem",))
