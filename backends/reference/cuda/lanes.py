"""Streams of a device on which copies and computation overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import torch


class Mark(Protocol):
    """A point in a lane."""

    def synchronize(self) -> None:
        """Wait on the host until the lane has passed it."""
        ...


class Lane(Protocol):
    """Work in order, alongside the host and other lanes."""

    def do(self, work: Callable[[], None], after: Mark | None = None) -> Mark:
        """Queue work, behind a mark of another lane; returns the point where it is done."""
        ...


@dataclass(frozen=True)
class CudaLane:
    """A CUDA stream."""

    stream: Any

    def do(self, work: Callable[[], None], after: Mark | None = None) -> Mark:
        """See `Lane`."""
        if after is not None:
            assert isinstance(after, torch.cuda.Event)
            self.stream.wait_event(after)
        with torch.cuda.stream(self.stream):
            work()
        return self.stream.record_event()


@dataclass(frozen=True)
class Lanes:
    """feed: host to device. compute. drain: device to host."""

    feed: Lane
    compute: Lane
    drain: Lane


@lru_cache(maxsize=16)
def cuda_lanes(device: torch.device) -> Lanes:
    """Three streams of a device, the same ones for all networks, so that they share the memory that is free."""
    return Lanes(*(CudaLane(torch.cuda.Stream(device)) for _ in range(3)))


def join_current(lanes: Lanes, device: torch.device) -> None:
    """Queue the lanes behind what the device's current stream has under way, weights on their way to it for example."""
    for lane in (lanes.feed, lanes.compute, lanes.drain):
        assert isinstance(lane, CudaLane)
        lane.stream.wait_stream(torch.cuda.current_stream(device))
