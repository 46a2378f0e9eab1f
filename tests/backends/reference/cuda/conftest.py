"""CUDA's kernels on a machine without CUDA: its product of bytes by a strict stand-in, its streams by any order they allow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backends.reference.cuda import products, streams
from backends.reference.cuda.kernels import CudaKernels
from backends.reference.cuda.streams import Streams
from backends.reference.cuda.tiles import StagedTiles
from backends.reference.devices import ExecutionDevice
from backends.reference.engine import ReferenceEngine

CPU = torch.device("cpu")


def strict_int_mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """torch._int_mm with what CUDA asks for: int8, more than 16 rows, multiples of 8, rows dense and columns dense."""
    assert a.dtype == b.dtype == torch.int8
    assert a.ndim == b.ndim == 2
    assert a.shape[1] == b.shape[0]
    assert a.shape[0] > 16
    assert a.shape[1] % 8 == 0
    assert b.shape[1] % 8 == 0
    assert a.shape[1] > 0
    assert b.shape[1] > 0
    assert a.is_contiguous()
    assert b.t().is_contiguous()
    assert a.storage_offset() % 16 == 0
    y = a.double() @ b.double()  # exact: sums stay within 2^53
    assert float(y.abs().max()) < 1 << 31
    return y.to(torch.int32)


@dataclass
class Scheduler:
    """Runs the work of streams in a random order that their events allow, and as late as a host may see it."""

    rng: np.random.Generator
    streams: list[SimulatedStream] = field(default_factory=list)

    def streams_of_a_device(self) -> Streams:
        self.streams = [SimulatedStream(self) for _ in range(3)]
        return Streams(*self.streams)

    def step(self) -> bool:
        ready = [s for s in self.streams if s.queue and (s.queue[0][1] is None or s.queue[0][1].passed)]
        if ready:
            self.rng.choice(np.array(ready, dtype=object)).advance()
        return bool(ready)


@dataclass(eq=False)
class SimulatedEvent:
    scheduler: Scheduler
    passed: bool = False

    def synchronize(self) -> None:
        while not self.passed:
            assert self.scheduler.step(), "a stream waits for ever"


@dataclass(eq=False)
class SimulatedStream:
    scheduler: Scheduler
    queue: deque[Any] = field(default_factory=deque)

    def do(self, work: Callable[[], None], after: SimulatedEvent | None = None) -> SimulatedEvent:
        event = SimulatedEvent(self.scheduler)
        self.queue.append((work, after, event))
        for _ in range(self.scheduler.rng.integers(3)):
            self.scheduler.step()
        return event

    def advance(self) -> None:
        work, _, event = self.queue.popleft()
        work()
        event.passed = True


def simulated_capture(work: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
    """A graph whose results are anything until it is replayed, and then overwritten in place."""
    results = work()
    for value in results.values():
        value.fill_(1)

    def replay() -> None:
        for name, value in work().items():
            results[name].copy_(value)

    return replay, results


class SimulatedCuda:
    """What of torch.cuda only a GPU can answer: streams in order, graphs that do nothing when they are replayed; names, arguments and order are checked."""

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


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_INT_MM", strict_int_mm)


@pytest.fixture(scope="session")
def cuda_engine():
    """cuda_engine(graph, seed=0, limit=2^28, compiled=None): the engine with CUDA's kernels, on the CPU."""

    def make(graph, seed=0, limit=1 << 28, compiled=None, capture=simulated_capture, kernels=None) -> ReferenceEngine:
        streams_ = Scheduler(np.random.default_rng(seed)).streams_of_a_device()
        tiles = partial(StagedTiles, streams=streams_, capture=capture, limit=limit, pinned=False)
        engine = ReferenceEngine(graph, "cpu")
        kernels = kernels or CudaKernels(CPU, True, True, compiled)
        engine.__dict__["_execution_device"] = ExecutionDevice("CUDA's kernels", kernels, tiles)
        return engine

    return make


@pytest.fixture(scope="session")
def loops():
    """The module of random networks with loops and delays."""
    path = Path(__file__).parents[1] / "run" / "test_loop.py"
    spec = spec_from_file_location("random_loops", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def simulated_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedCuda]:
    """torch.cuda on a stand-in."""
    cuda = SimulatedCuda()
    cuda.install(monkeypatch)
    yield cuda
    streams.cuda_streams.cache_clear()
