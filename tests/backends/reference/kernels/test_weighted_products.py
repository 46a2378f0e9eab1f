"""Products prepared once: what is added up before, and which of the ways a value takes, all with the same sums."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch.nn import functional

from backends.reference.kernels import weighted_products
from backends.reference.kernels.weighted_products import ConvolutionProduct, DenseProduct, SourceSum
from ir.ops.linear import Conv


def test_one_source_stays_as_it_is():
    x = torch.ones(2, 3, 4, dtype=torch.uint8)
    assert SourceSum(("x",), None).total(lambda name: x) is x


def test_sources_are_added_in_the_dtype_that_holds_their_sum():
    values = {name: torch.full((1, 2), 100, dtype=torch.int8) for name in "xyz"}
    total = SourceSum(("x", "y", "z"), torch.float32).total(values.__getitem__)
    assert (total.dtype, total.tolist()) == (torch.float32, [[300, 300]])
    assert SourceSum(("x", "y"), None).total({"x": values["x"] - 90, "y": values["y"]}.__getitem__).dtype == torch.int8
    assert values["x"].tolist() == [[100, 100]], "what is read is not written to"


class Ways:
    """Stand-ins for the ways to multiply, which note that they were taken; events only below a price."""

    def __init__(self, weight: torch.Tensor, events_from_ns: float) -> None:
        self.prices: list[float] = []
        self.packed = Mock()
        self.packed.product.side_effect = lambda x: functional.linear(x.float(), weight)
        self.events = Mock()
        self.events.product.side_effect = lambda x, price: self._by_events(x, price, weight.numpy(), events_from_ns)

    def _by_events(self, x: np.ndarray, price: float, weight: np.ndarray, from_ns: float) -> np.ndarray | None:
        self.prices.append(price)
        return (x @ weight.T).astype(np.float32) if price >= from_ns else None


CASES = {
    "by events": (torch.uint8, True, 0.0, "events"),
    "in bytes": (torch.uint8, True, 1e99, "packed"),
    "signed bytes": (torch.int8, True, 1e99, "packed"),
    "no bytes": (torch.float32, True, 1e99, "float32"),
    "too little work for bytes": (torch.uint8, False, 1e99, "float32"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_value_takes_the_way_that_is_meant_for_it(case: str, monkeypatch: pytest.MonkeyPatch):
    dtype, worth, events_from_ns, way = CASES[case]
    monkeypatch.setattr(weighted_products, "WORTH", 3 * 2 * 4 * 5 + (0 if worth else 1))
    rng = np.random.default_rng(0)
    weight = torch.from_numpy(rng.integers(-9, 9, (4, 5))).float()
    x = torch.from_numpy(rng.integers(0, 3, (3, 2, 5))).to(dtype)
    ways = Ways(weight, events_from_ns)
    product = DenseProduct(SourceSum(("x",), None), weight, ways.packed, ways.events)
    y = product.current(lambda name: x)
    assert (y.dtype, product.scale) == (torch.float32, 1)
    assert np.array_equal(y.numpy(), x.numpy().astype(int) @ weight.numpy().astype(int).T)
    assert ways.packed.product.called == (way == "packed")
    assert len(ways.prices) == 1, "events are always asked"


def test_events_are_priced_against_what_else_would_be_done(monkeypatch: pytest.MonkeyPatch):
    questions: list[tuple[float, bool]] = []
    monkeypatch.setattr(weighted_products, "dense_ns", lambda work, bytewise: questions.append((work, bytewise)) or 7.0)
    monkeypatch.setattr(weighted_products, "WORTH", 1)
    weight = torch.ones(4, 5)
    ways = Ways(weight, 0.0)
    product = DenseProduct(SourceSum(("x",), None), weight, ways.packed, ways.events)
    product.current(lambda name: torch.ones(3, 2, 5, dtype=torch.uint8))
    product.current(lambda name: torch.ones(3, 2, 5))
    work = 3 * 2 * 5 * 4 / torch.get_num_threads()
    assert questions == [(work, True), (work, False)]
    assert ways.prices == [7.0, 7.0]


@pytest.mark.parametrize(
    ("dtype", "extreme", "bytewise"),
    [
        (torch.uint8, 255, True),
        (torch.int8, 127, True),
        (torch.int8, -1, False),
        (torch.int32, 255, True),
        (torch.int32, 256, False),
        (torch.float32, 255, True),
        (torch.float32, -1, False),
    ],
)
def test_images_go_in_bytes_where_they_are_unsigned(dtype: torch.dtype, extreme: int, bytewise: bool):
    rng, op = np.random.default_rng(0), Conv((1, 1), (0, 1), (1, 1))
    weight = torch.from_numpy(rng.integers(-9, 9, (3, 2, 2, 2))).float()
    x = torch.from_numpy(rng.integers(0, 3, (3, 2, 2, 4, 5))).to(dtype)
    x[1, 0, 1, 2, 3] = extreme
    packed = Mock()
    packed.convolve.side_effect = lambda images: functional.conv2d(images.float(), weight, None, 1, (0, 1))
    y = ConvolutionProduct(op, SourceSum(("x",), None), weight, packed).current(lambda name: x)
    exact = functional.conv2d(x.flatten(0, 1).double(), weight.double(), None, 1, (0, 1)).unflatten(0, (3, 2))
    assert torch.equal(y.double(), exact)
    assert packed.convolve.called == bytewise
