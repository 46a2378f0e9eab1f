"""Values on their way between populations: the dtype that holds them, how they lie in memory, what of them is only a copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backends.reference.kernels import values
from backends.reference.kernels.cpu import cpu_kernels
from backends.reference.kernels.values import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    bias_period,
    channels_last_bias,
    channels_last_shape,
    is_channels_last,
    laid_channels_last,
    travel_dtype,
    without_copies,
)
from ir.types import SPIKE, Type, count, graded


def test_dtypes_hold_what_goes_between_populations():
    kinds = {graded(8): torch.int8, graded(9): torch.float32, graded(25): torch.float32, graded(26): torch.float64}
    for domain, wanted in {**kinds, SPIKE: torch.uint8}.items():
        assert travel_dtype(Type((3,), domain)) == wanted


def test_copies_are_cut_and_counted():
    value = torch.tensor([[[0, 1, 2]]]).reshape(1, 1, 3, 1).expand(1, 1, 3, 5)
    assert without_copies(value).shape == (1, 1, 3, 1)
    assert int(cpu_kernels().active(value)) == 10


def test_time_and_batch_are_never_taken_for_copies():
    value = torch.ones(1, 1, 2).expand(4, 3, 2)
    assert without_copies(value).shape == (4, 3, 2)
    assert int(cpu_kernels().active(value)) == 24


def test_dtypes_of_spikes_counts_and_wide_payloads():
    assert travel_dtype(Type((), count(255))) == torch.uint8
    assert travel_dtype(Type((), count(256))) == torch.float32
    assert travel_dtype(Type((), count((1 << 24) + 1))) == torch.float64
    assert travel_dtype(Type((), graded(1))) == torch.int8


def images(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 200, shape).astype(np.uint8))


def test_channels_last_in_memory_are_told_from_dense_images():
    dense = images(2, 3, 4, 5, 6)
    last = dense.permute(CHANNELS_LAST).contiguous().permute(CHANNELS_FIRST)
    assert torch.equal(last, dense)
    assert is_channels_last(last)
    assert not is_channels_last(dense)
    assert not is_channels_last(last[..., ::2]), "every other column"
    assert not is_channels_last(last[0]), "no images of a window"
    assert not is_channels_last(images(2, 3, 1, 5, 6)), "one channel lies both ways, which needs no turning"


@pytest.mark.parametrize("way", ["compiled", "torch"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 1, 4, 5), (1, 7, 1, 1)])
def test_laying_channels_last_changes_no_value(way: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch):
    if way == "torch":
        monkeypatch.setattr(values, "compiled_kernels", lambda: None)
    dense = images(*shape)
    for x in (dense, dense.flip(2), dense.transpose(2, 3)):
        laid = laid_channels_last(x)
        assert torch.equal(laid, x)
        assert laid.permute(0, 2, 3, 1).is_contiguous()


def test_shapes_and_biases_turn_with_the_channels():
    assert channels_last_shape((3, 4, 5)) == (4, 5, 3)
    bias = torch.arange(3).reshape(3, 1, 1)
    turned = channels_last_bias(bias)
    assert torch.equal(turned.expand(4, 5, 3), bias.expand(3, 4, 5).permute(1, 2, 0))


@given(st.sampled_from([(), (1,), (4,), (3, 1), (1, 4), (3, 4)]), st.integers(1, 3))
def test_a_period_of_biases_gives_every_neuron_its_own(shape: tuple[int, ...], samples: int):
    bias = torch.from_numpy(np.random.default_rng(len(shape)).integers(-9, 9, shape))
    period = bias_period((3, 4), bias)
    repeated = period[torch.arange(samples * 12) % len(period)]
    assert torch.equal(repeated, bias.expand(samples, 3, 4).reshape(-1))
    assert len(period) == {(): 1, (4,): 4, (1, 4): 4}.get(shape, 12)


def test_a_single_neuron_has_one_bias():
    assert bias_period((), torch.tensor(7)).tolist() == [7]
    assert bias_period((1,), torch.tensor([7])).tolist() == [7]
