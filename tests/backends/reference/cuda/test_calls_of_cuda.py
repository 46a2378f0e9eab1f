"""The calls of torch.cuda that only a GPU can answer, on a stand-in that knows their names, arguments and order."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from inspect import signature

import numpy as np
import pytest
import torch

from backends.reference.cuda import kernels, staging, streams, tiles
from backends.reference.devices import ExecutionDevice
from backends.reference.engine import ReferenceEngine

CPU = torch.device("cpu")


class Device:
    """Streams in order, graphs that run their work when they are replayed."""

    def __init__(self) -> None:
        self.captured, self.replayed, self.waited, self.capturing = 0, 0, 0, False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        device, real = self, torch.cuda.graph

        class Event:
            def synchronize(self) -> None:
                assert not device.capturing, "waits while it captures"

        class Stream:
            def __init__(self, of: torch.device) -> None:
                assert of == CPU

            def wait_stream(self, other: object) -> None:
                assert isinstance(other, Stream)

            def wait_event(self, event: object) -> None:
                assert isinstance(event, Event)
                device.waited += 1

            def record_event(self) -> Event:
                return Event()

        class Graph:
            def replay(self) -> None:
                device.replayed += 1

        @contextmanager
        def graph(graph: Graph, **options: str):
            assert set(options) <= set(signature(real.__init__).parameters)
            device.captured, device.capturing = device.captured + 1, True
            yield
            device.capturing = False

        for name, value in {
            "Event": Event,
            "Stream": Stream,
            "CUDAGraph": Graph,
            "graph": graph,
            "stream": lambda stream: nullcontext(),
            "device": lambda index: nullcontext(),
            "current_stream": lambda index: Stream(index),
            "mem_get_info": lambda index: (1 << 35, 1 << 36),
        }.items():
            patch.setattr(torch.cuda, name, value)
        empty = torch.empty
        patch.setattr(torch, "empty", lambda *size, pin_memory=False, **options: empty(*size, **options))
        streams.cuda_streams.cache_clear()


@pytest.fixture
def device(monkeypatch):
    made = Device()
    made.install(monkeypatch)
    yield made
    streams.cuda_streams.cache_clear()


def test_a_run(device, network):
    """A graph is captured when the shape comes back; the stand-in's does nothing when replayed, so that results are those of then."""
    graph, inputs = network(3, "plain", "attention", samples=5)
    engine, wanted = ReferenceEngine(graph, "cpu"), ReferenceEngine(graph, "cpu").run(inputs)
    engine.__dict__["_execution_device"] = ExecutionDevice("a stand-in", kernels.cuda_kernels(CPU), tiles.CudaTiles)
    for _ in range(4):
        found = engine.run(inputs)
        assert all(np.array_equal(found.outputs[name], wanted.outputs[name]) for name in wanted.outputs)
    assert found.events == wanted.events
    assert (device.captured, device.replayed) == (1, 3)
    assert device.waited == 4 * 2  # computation for its inputs, the way back for the computation


def test_the_kernels_of_a_device(device, monkeypatch):
    assert kernels.cuda_kernels(CPU).description[0] == "int8 products"
    monkeypatch.setattr(kernels, "bytes_are_exact", lambda device: False)
    assert kernels.cuda_kernels(CPU).description == ("float32 products", "neurons in plain torch")
    monkeypatch.setattr(kernels, "floats_are_exact", lambda device: False)
    with pytest.raises(kernels.CompileError, match="does not sum whole numbers exactly"):
        kernels.cuda_kernels(CPU)


def test_buffers_grow_and_are_kept():
    buffer = staging.Buffer(CPU, False)
    large = buffer.like((4, 5), torch.float32)
    assert buffer.like((2, 3), torch.float32).data_ptr() == large.data_ptr()
    assert buffer.like((6, 5), torch.float32).shape == (6, 5)
    assert buffer.like((6, 5), torch.int8).dtype == torch.int8
