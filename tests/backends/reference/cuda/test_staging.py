"""A tile's way to the device and back: memory that is kept and grows, values of all tiles in their places, a forgotten tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.cuda.staging import Buffer, StagingBuffer

CPU = torch.device("cpu")


def test_buffers_grow_and_are_kept():
    buffer = Buffer(CPU, False)
    large = buffer.like((4, 5), torch.float32)
    assert buffer.like((2, 3), torch.float32).data_ptr() == large.data_ptr()
    assert buffer.like((6, 5), torch.float32).shape == (6, 5)
    assert buffer.like((6, 5), torch.int8).dtype == torch.int8


class NotingStreams:
    """Streams that do their work at once, and note whose it was and whether anybody waited."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.feed, self.compute, self.drain = (NotingStream(self.log, name) for name in ("feed", "compute", "drain"))


class NotingStream:
    """One of these streams; its events are itself."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def do(self, work, after=None):
        self.log.append(self.name if after is None else f"{self.name} after {after.name}")
        work()
        return self

    def synchronize(self) -> None:
        self.log.append(f"wait for {self.name}")


@pytest.fixture
def buffer() -> StagingBuffer:
    return StagingBuffer(CPU, False, {"x": torch.int16}, {"y": torch.int32})


def doubled(inputs):
    assert inputs["x"].dtype == torch.int16
    return {"y": inputs["x"] * 2}


def test_tiles_come_back_in_their_places(buffer: StagingBuffer):
    streams, samples, whole = NotingStreams(), {"x": np.arange(12).reshape(2, 3, 2)}, dict[str, np.ndarray]()
    buffer.finish(whole, 3)
    assert whole == {}, "no tile, nothing to wait for"
    for tile in (slice(0, 2), slice(2, 3)):
        buffer.start(samples, tile, streams, doubled)
        buffer.finish(whole, 3)
    assert whole["y"].dtype == np.int32
    assert np.array_equal(whole["y"], samples["x"] * 2)
    assert streams.log == ["feed", "compute after feed", "drain after compute", "wait for drain"] * 2


def test_a_tile_that_a_run_left_behind_is_waited_for_and_forgotten(buffer: StagingBuffer):
    streams, whole = NotingStreams(), dict[str, np.ndarray]()
    buffer.start({"x": np.ones((1, 2, 3))}, slice(0, 2), streams, doubled)
    buffer.reset()
    assert streams.log[-1] == "wait for drain"
    buffer.finish(whole, 2)
    assert whole == {}
