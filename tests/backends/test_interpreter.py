"""The defining engine: its arithmetic follows the network, not the type in which spikes happen to be stored."""

from __future__ import annotations

import numpy as np
import pytest

from ir.ops import Conv, Linear


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_spikes_of_any_type_reach_real_weights_unrounded(kind: type):
    spikes = np.ones((1, 1, 2), kind)
    weight = np.array([[0.25, 0.5]], np.float32)
    assert Linear().run((spikes,), {"weight": weight}, 1).item() == 0.75
    conv = Conv(stride=(1,), padding=(0,), dilation=(1,))
    assert conv.run((spikes[:, :, None],), {"weight": weight[None]}, 1).item() == 0.75
