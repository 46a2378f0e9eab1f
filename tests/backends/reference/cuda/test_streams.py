"""Streams by the calls of torch.cuda: what waits for what, and that a device has the same three for all networks."""

from __future__ import annotations

import pytest
import torch

from backends.reference.cuda.streams import CudaStream, Streams, cuda_streams, join_current

CPU = torch.device("cpu")


def test_work_waits_for_the_point_it_is_told(simulated_cuda):
    streams, log = cuda_streams(CPU), list[str]()
    event = streams.feed.do(lambda: log.append("feed"))
    assert simulated_cuda.waited == 0
    streams.compute.do(lambda: log.append("compute"), after=event)
    assert simulated_cuda.waited == 1
    assert log == ["feed", "compute"]


@pytest.mark.usefixtures("simulated_cuda")
def test_a_device_has_three_streams_of_its_own():
    streams = cuda_streams(CPU)
    assert cuda_streams(CPU) is streams
    raw = [stream.stream for stream in (streams.feed, streams.compute, streams.drain)]
    assert len({id(stream) for stream in raw}) == 3


def test_all_of_them_start_behind_what_is_under_way(monkeypatch: pytest.MonkeyPatch):
    class Current:
        """A stream that notes for whom it waits."""

        def __init__(self) -> None:
            self.before: list[object] = []

        def wait_stream(self, other: object) -> None:
            self.before.append(other)

    under_way = object()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: under_way)
    raw = [Current() for _ in range(3)]
    join_current(Streams(*map(CudaStream, raw)), CPU)
    assert [stream.before for stream in raw] == [[under_way]] * 3
