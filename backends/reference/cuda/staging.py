"""One of the two places in which a tile is on its way to the device and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import torch

from backends.reference.cuda.graph import Tensors
from backends.reference.cuda.streams import StreamEvent, Streams
from backends.trace import Array

Dtypes = Mapping[str, torch.dtype]


class Buffer:
    """Memory for one value, kept from tile to tile."""

    def __init__(self, device: torch.device, pinned: bool) -> None:
        self._device, self._pinned = device, pinned
        self._flat = torch.empty(0, dtype=torch.uint8)

    def like(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A tensor in this memory, which grows where it must."""
        size = prod(shape)
        if self._flat.dtype != dtype or self._flat.numel() < size:
            self._flat = torch.empty(size, dtype=dtype, device=self._device, pin_memory=self._pinned)
        return self._flat[:size].view(shape)


class StagingBuffer:
    """Memory on both sides, and the tile that is in it: nothing else touches that memory while the tile is under way."""

    def __init__(self, device: torch.device, pinned: bool, input_dtypes: Dtypes, stored_dtypes: Dtypes) -> None:
        """
        Args:
            pinned: whether the device copies from the host's side by itself. input_dtypes: input -> dtype on its way.
            stored_dtypes: result -> dtype on the host.
        """
        self._device, self._pinned = device, pinned
        self._input_dtypes, self._stored_dtypes = input_dtypes, stored_dtypes
        self._buffers: dict[tuple[str, str], Buffer] = {}
        self._tile = slice(0)
        self._done: StreamEvent | None = None
        self._results: dict[str, torch.Tensor] = {}

    def reset(self) -> None:
        """Forget a tile that a run left behind which did not come to its end."""
        if self._done is not None:
            self._done.synchronize()
        self._done = None

    def start(
        self, samples: Mapping[str, Array], tile: slice, streams: Streams, compute: Callable[[Tensors], Tensors]
    ) -> None:
        """Stage a tile of the samples and queue its way; the tile before it must be finished."""
        staged = {name: self._staged(name, x[:, tile]) for name, x in samples.items()}
        inputs = {name: self._buffer("inputs", name).like(tuple(x.shape), x.dtype) for name, x in staged.items()}
        left: dict[str, torch.Tensor] = {}

        def feed() -> None:
            for name, x in staged.items():
                inputs[name].copy_(x, non_blocking=True)

        def work() -> None:
            for name, value in compute(inputs).items():
                left[name] = self._buffer("left", name).like(tuple(value.shape), value.dtype).copy_(value)

        def drain() -> None:
            for name, value in left.items():
                host = self._buffer("host", name).like(tuple(value.shape), value.dtype)
                self._results[name] = host.copy_(value, non_blocking=True)

        self._tile = tile
        self._done = streams.drain.do(drain, after=streams.compute.do(work, after=streams.feed.do(feed)))

    def finish(self, whole: dict[str, Array], batch: int) -> None:
        """Wait for the tile, if there is one, and widen its values into those of the whole batch."""
        if self._done is None:
            return
        self._done.synchronize()
        for name, value in self._results.items():
            if name not in whole:
                shape = (len(value), batch, *value.shape[2:])
                whole[name] = torch.empty(shape, dtype=self._stored_dtypes[name]).numpy()
            torch.from_numpy(whole[name])[:, self._tile].copy_(value)
        self._done = None

    def _staged(self, name: str, part: Array) -> torch.Tensor:
        return self._buffer("staged", name).like(part.shape, self._input_dtypes[name]).copy_(torch.from_numpy(part))

    def _buffer(self, side: str, name: str) -> Buffer:
        """The memory of a value on one side: `staged` and `host` are on the host, `inputs` and `left` on the device."""
        if (side, name) not in self._buffers:
            here = torch.device("cpu") if side in ("staged", "host") else self._device
            self._buffers[side, name] = Buffer(here, self._pinned and here.type == "cpu")
        return self._buffers[side, name]
