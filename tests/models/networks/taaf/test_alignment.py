"""The alignment over time against a loop over steps and taps; at the start it is a mean; wrong numbers of steps."""

from __future__ import annotations

import pytest
import torch

from models.networks.taaf.alignment import TemporalAlignment


@pytest.mark.parametrize(("steps", "aligned"), [(4, 4), (8, 4), (4, 2), (12, 3), (1, 4), (2, 6)])
def test_alignment_equals_a_loop(steps: int, aligned: int) -> None:
    torch.manual_seed(0)
    align, x = TemporalAlignment(5, steps, aligned), torch.randn(steps, 3, 5)
    align.conv.weight.data = torch.randn(align.conv.weight.shape)
    span, taps = max(1, steps // aligned), align.conv.weight.shape[2]
    repeated = [x[t * steps // (steps * max(1, aligned // steps))] for t in range(steps * max(1, aligned // steps))]
    expected = torch.zeros(aligned, 3, 5)
    for t in range(aligned):
        for back in range(taps):
            source = t * span + span - 1 - back
            if source >= 0:
                expected[t] += align.conv.weight[:, 0, taps - 1 - back] * repeated[source]
    torch.testing.assert_close(align(x), expected)


def test_at_the_start_it_is_the_mean_of_a_span() -> None:
    x = torch.rand(8, 2, 3)
    assert torch.equal(TemporalAlignment(3, 8, 8)(x), x)
    torch.testing.assert_close(TemporalAlignment(3, 8, 2)(x), x.reshape(2, 4, 2, 3).mean(dim=1))
    torch.testing.assert_close(TemporalAlignment(3, 2, 8)(x[:2]), x[:2].repeat_interleave(4, dim=0))


def test_steps_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="4 steps cannot be aligned with 6"):
        TemporalAlignment(3, 4, 6)
