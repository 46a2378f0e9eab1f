"""Mosaics of pieces as one value: the functions that are written down, run by torch, give the mosaic's own elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.recording.layout import FEATURE, Axis, View
from frontend.tracing.storage.assembly import Writer, assembled
from frontend.tracing.storage.memory import Memory, Mosaic, Region
from ir.errors import CompileError
from ir.types import REAL, SPIKE, Domain, Type


class Bench:
    """A piece of memory, views of numbers in it, and a writer that computes what it is told to write down."""

    def __init__(self, *shape: int, start: float = 0.0) -> None:
        self.memory_tensor = torch.full(shape, start)
        self.memory, self.values, self.calls = Memory(self.memory_tensor), dict[str, torch.Tensor](), list[str]()
        self.domains, self.computed = dict[str, Domain](), dict[str, View]()

    def view(self, tensor: torch.Tensor, domain: Domain = SPIKE) -> View:
        name = f"v{len(self.values)}"
        self.values[name], self.domains[name] = tensor, domain
        return View(name, tuple((Axis(FEATURE, size, (place,)),) for place, size in enumerate(tensor.shape)))

    def write(self, window: torch.Tensor, value: torch.Tensor, domain: Domain = SPIKE) -> None:
        window.copy_(value)
        self.memory.write(Region.of(window), self.view(value.clone(), domain))

    def record(self, name: str, *args: Any) -> View:
        self.calls.append(name)
        first = args[0][0] if isinstance(args[0], list) else args[0]
        convert = [[self.values[v.value] for v in a] if isinstance(a, list) and name == "cat" else a for a in args]
        args_ = [self.values[a.value] if isinstance(a, View) else a for a in convert]
        args_ = [args_[0], args_[1:]] if name == "repeat" else args_
        function = F.pad if name == "pad" else getattr(torch, "tile" if name == "repeat" else name)
        key = f"{name}{args}"  # as the recorder does, what was computed before is that value
        if key not in self.computed:
            self.computed[key] = self.view(function(*args_), REAL if name == "add" else self.domains[first.value])
        return self.computed[key]

    def check(self, window: torch.Tensor, *calls: str) -> None:
        content = self.memory.read(Region.of(window))
        assert isinstance(content, Mosaic)
        result = assembled(
            content, Writer(self.record, lambda view: Type((), self.domains[view.value]), lambda _: None)
        )
        found = self.values[result.value] if isinstance(result, View) else torch.from_numpy(result)
        assert torch.equal(found, window)
        assert [call for call in self.calls if call not in ("narrow", "select", "unsqueeze")] == list(calls)


def numbers(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(len(shape)))


def test_rows_one_after_another_are_joined() -> None:
    bench = Bench(3, 2, 4)
    for row in bench.memory_tensor:
        bench.write(row, numbers(2, 4))
    bench.check(bench.memory_tensor, "cat")


def test_one_view_in_every_row_is_repeated() -> None:
    bench = Bench(4, 3)
    piece = bench.view(torch.arange(3.0))
    for row in bench.memory_tensor:
        row.copy_(torch.arange(3.0))
        bench.memory.write(Region.of(row), piece)
    bench.check(bench.memory_tensor, "repeat")


def test_constants_around_a_piece_are_padding_and_an_offset() -> None:
    bench = Bench(2, 5, 6)
    bench.write(bench.memory_tensor[:, 1:4, 2:5], numbers(2, 3, 3))
    bench.check(bench.memory_tensor, "pad")
    other = Bench(2, 5, 6, start=0.5)
    other.write(other.memory_tensor[:, 1:4, 2:5], numbers(2, 3, 3))
    other.check(other.memory_tensor, "pad", "add")


def test_constants_between_pieces_go_with_the_piece_before() -> None:
    bench = Bench(2, 6)
    bench.write(bench.memory_tensor[:, 0:2], numbers(2, 2))
    bench.write(bench.memory_tensor[:, 4:6], numbers(2, 2))
    bench.check(bench.memory_tensor, "pad", "cat")


def test_pieces_of_several_domains_are_added_up() -> None:
    bench = Bench(2, 6)
    bench.write(bench.memory_tensor[:, 0:2], numbers(2, 2), SPIKE)
    bench.write(bench.memory_tensor[:, 2:6], numbers(2, 4), REAL)
    bench.check(bench.memory_tensor, "pad", "pad", "add")


def test_a_part_of_a_piece_in_another_order() -> None:
    bench = Bench(2, 3, 4)
    bench.write(bench.memory_tensor, numbers(2, 3, 4))
    bench.check(bench.memory_tensor[:, 1:, 2].t(), "permute")


def test_all_of_a_piece_in_another_shape() -> None:
    bench = Bench(2, 3, 4)
    bench.write(bench.memory_tensor, numbers(2, 3, 4))
    bench.check(bench.memory_tensor.flatten(1), "reshape")


def test_a_piece_read_across_its_dimensions_is_refused() -> None:
    bench = Bench(2, 3, 4)
    bench.write(bench.memory_tensor, numbers(2, 3, 4))
    with pytest.raises(CompileError, match="in another form than it was written in"):
        bench.check(bench.memory_tensor.flatten()[3:9])


def test_constants_alone_stay_constants() -> None:
    bench = Bench(2, 6, start=3.0)
    bench.write(bench.memory_tensor[:, 4:6], numbers(2, 2))
    bench.check(bench.memory_tensor[:, :4])


def test_elements_that_were_never_written_are_refused() -> None:
    bench = Bench(2, 6, start=np.nan)
    bench.write(bench.memory_tensor[:, 4:6], numbers(2, 2))
    with pytest.raises(CompileError, match="never written") as caught:
        bench.check(bench.memory_tensor)
    assert caught.value.rule == "import.in_place"
