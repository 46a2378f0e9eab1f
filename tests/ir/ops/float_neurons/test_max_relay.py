"""Neurons that emit the largest current of a window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import MaxRelay
from ir.types import parse_type

RELAY = MaxRelay((3,), (2,), (1,), (1,))


def test_it_is_torch_s_pooling_of_the_total_current_to_the_last_bit():
    a, b = (torch.randn(5, 2, 3, 8, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    bias = torch.randn(3, 1, generator=torch.Generator().manual_seed(2))
    expected = torch.max_pool1d((a + b + bias).flatten(0, 1), 3, 2, 1).reshape(5, 2, 3, 4)
    assert torch.equal(RELAY.run((a, b), {"bias": bias}, 5), expected)
    result = RELAY.run((a.numpy(), b.numpy()), {"bias": bias.numpy()}, 5)
    np.testing.assert_array_equal(result, expected.numpy())


def test_a_payload_and_a_neuron_per_window():
    result = RELAY.infer((parse_type("current[3x8]"),) * 2, {"bias": (3, 1)})
    assert (str(result), RELAY.neurons(result)) == ("graded<24>[3x4]", 12)
    with pytest.raises(CompileError, match="currents differ in shape"):
        RELAY.infer((parse_type("current[3x8]"), parse_type("current[3x7]")), {})
