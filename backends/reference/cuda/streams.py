"""Streams of a device on which copies and computation overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import torch


class StreamEvent(Protocol):
    """A point in a stream."""

    def synchronize(self) -> None:
        """Wait on the host until the stream has passed it."""
        ...


class Stream(Protocol):
    """Work in order, alongside the host and other streams."""

    def do(self, work: Callable[[], None], after: StreamEvent | None = None) -> StreamEvent:
        """Queue work, behind a point of another stream; returns the point where it is done."""
        ...


@dataclass(frozen=True)
class CudaStream:
    """A stream of CUDA."""

    stream: Any

    def do(self, work: Callable[[], None], after: StreamEvent | None = None) -> StreamEvent:
        """See `Stream`."""
        if after is not None:
            assert isinstance(after, torch.cuda.Event)
            self.stream.wait_event(after)
        with torch.cuda.stream(self.stream):
            work()
        return self.stream.record_event()


@dataclass(frozen=True)
class Streams:
    """The streams of a device."""

    feed: Stream
    """From the host to the device."""
    compute: Stream
    drain: Stream
    """From the device to the host."""


@lru_cache(maxsize=16)
def cuda_streams(device: torch.device) -> Streams:
    """Three streams of a device, the same ones for all networks, so that they share the memory that is free."""
    return Streams(*(CudaStream(torch.cuda.Stream(device)) for _ in range(3)))


def join_current(streams: Streams, device: torch.device) -> None:
    """Queue the streams behind what the device's current stream has under way, weights on their way to it for example."""
    for stream in (streams.feed, streams.compute, streams.drain):
        assert isinstance(stream, CudaStream)
        stream.stream.wait_stream(torch.cuda.current_stream(device))
