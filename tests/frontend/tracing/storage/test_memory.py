"""Which elements a tensor looks at, and what was written there last, against memory of torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frontend.recording.layout import BATCH, Axis, View
from frontend.tracing.storage.memory import Memory, Mosaic, Region

BASE = torch.arange(24.0).reshape(2, 3, 4)
WINDOWS = {
    "all": BASE,
    "row": BASE[1],
    "columns": BASE[..., 1:3],
    "turned": BASE.permute(2, 0, 1),
    "every second": BASE[:, :, ::2],
    "one": BASE[0, 1, 2],
    "flat": BASE.flatten(),
    "repeated": BASE[:1].expand(5, 3, 4),
    "nothing": BASE[:0],
}


def view(name: str, *sizes: int) -> View:
    return View(name, tuple((Axis(BATCH, size),) for size in sizes))


@pytest.mark.parametrize("name", WINDOWS)
def test_the_places_of_a_region_are_where_torch_looks(name: str) -> None:
    window = WINDOWS[name]
    assert np.array_equal(Region.of(window).places, window.numpy())


def test_regions_are_equal_where_they_look_at_the_same_elements_alike() -> None:
    assert Region.of(BASE[0:1]) == Region.of(BASE[:1])
    assert Region.of(BASE[0:1]).strides == (0, 4, 1)
    assert Region.of(BASE.flatten()) != Region.of(BASE)


@pytest.mark.parametrize(
    ("name", "whole"), [("all", True), ("turned", True), ("flat", True), ("row", False), ("repeated", False)]
)
def test_a_whole_region_has_every_element_once(name: str, whole: bool) -> None:
    assert Region.of(WINDOWS[name]).is_whole(24) is whole


def test_regions_meet_where_their_extents_do() -> None:
    assert Region.of(BASE[0]).meets(Region.of(BASE[..., 0]))
    assert not Region.of(BASE[0]).meets(Region.of(BASE[1]))


def test_what_is_there_before_any_write_are_constants() -> None:
    content = Memory(BASE.clone()).read(Region.of(BASE[1]))
    assert isinstance(content, Mosaic)
    assert np.array_equal(content.contents[0][content.index], BASE[1].numpy())


def test_a_piece_is_read_as_it_was_written() -> None:
    memory, first, second = Memory(BASE.clone()), view("a", 3, 4), view("b", 3, 4)
    memory.write(Region.of(BASE[0]), first)
    memory.write(Region.of(BASE[1]), second)
    assert memory.read(Region.of(BASE[0])) is first
    assert memory.read(Region.of(BASE[1])) is second
    memory.write(Region.of(BASE[0]), second)
    assert memory.read(Region.of(BASE[0])) is second


def test_a_source_stands_for_just_the_region_that_was_written() -> None:
    memory, source = Memory(BASE.clone()), torch.ones(3, 4)
    memory.write(Region.of(BASE[0]), None, source)
    assert memory.read(Region.of(BASE[0])) is None
    assert memory.source(Region.of(BASE[0])) is source
    assert memory.source(Region.of(BASE[0, 1])) is memory.source(Region.of(BASE[1])) is None
    memory.write(Region.of(BASE[0, 2]), view("a", 4))
    assert memory.source(Region.of(BASE[0])) is None
    content = memory.read(Region.of(BASE))
    assert isinstance(content, Mosaic)
    assert content.sources == (None, source, None)


def test_the_last_write_counts_element_by_element() -> None:
    memory = Memory(torch.zeros(2, 3, 4))
    memory.write(Region.of(BASE[0]), view("a", 3, 4))
    memory.write(Region.of(BASE[..., 2:]), view("b", 2, 3, 2))
    content = memory.read(Region.of(BASE))
    assert isinstance(content, Mosaic)
    assert content.owner[:, 0].tolist() == [[1, 1, 2, 2], [0, 0, 2, 2]]
    assert content.index[1, 2].tolist() == [20, 21, 10, 11]


def test_a_write_of_everything_is_the_only_piece() -> None:
    memory = Memory(torch.zeros(2, 3, 4))
    memory.write(Region.of(BASE[0]), view("a", 3, 4))
    memory.write(Region.of(BASE.flatten()), view("b", 24))
    content = memory.read(Region.of(BASE[0]))
    assert isinstance(content, Mosaic)
    assert content.contents == (view("b", 24),)
