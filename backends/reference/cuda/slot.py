"""One of the two places in which a cut is on its way to the device and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import torch

from backends.reference.cuda.graph import Tensors
from backends.reference.cuda.lanes import Lanes, Mark
from backends.trace import Array

Kinds = Mapping[str, torch.dtype]


class Buffer:
    """Memory for one value, kept from cut to cut."""

    def __init__(self, device: torch.device, pinned: bool) -> None:
        self._device, self._pinned = device, pinned
        self._flat = torch.empty(0, dtype=torch.uint8)

    def like(self, shape: tuple[int, ...], kind: torch.dtype) -> torch.Tensor:
        """A tensor in this memory, which grows where it must."""
        size = prod(shape)
        if self._flat.dtype != kind or self._flat.numel() < size:
            self._flat = torch.empty(size, dtype=kind, device=self._device, pin_memory=self._pinned)
        return self._flat[:size].view(shape)


class Slot:
    """Buffers on both sides, and the cut that is in them: nobody's memory but its own is touched while it is under way."""

    def __init__(self, device: torch.device, pinned: bool, travels: Kinds, stored: Kinds) -> None:
        """
        Args:
            pinned: see `stream`. travels: input -> number type on its way. stored: result -> number type on the host.
        """
        self._device, self._pinned, self._travels, self._stored = device, pinned, travels, stored
        self._buffers: dict[tuple[str, str], Buffer] = {}
        self._cut = slice(0)
        self._done: Mark | None = None
        self._results: dict[str, torch.Tensor] = {}

    def reset(self) -> None:
        """Forget a cut that a run left behind which did not come to its end."""
        if self._done is not None:
            self._done.synchronize()
        self._done = None

    def start(
        self, samples: Mapping[str, Array], cut: slice, lanes: Lanes, compute: Callable[[Tensors], Tensors]
    ) -> None:
        """Stage a cut of the samples and queue its way; the slot must be finished."""
        staged = {name: self._staged(name, x[:, cut]) for name, x in samples.items()}
        fed = {name: self._buffer("fed", name).like(tuple(x.shape), x.dtype) for name, x in staged.items()}
        left: dict[str, torch.Tensor] = {}

        def feed() -> None:
            for name, x in staged.items():
                fed[name].copy_(x, non_blocking=True)

        def work() -> None:
            for name, value in compute(fed).items():
                left[name] = self._buffer("left", name).like(tuple(value.shape), value.dtype).copy_(value)

        def drain() -> None:
            for name, value in left.items():
                host = self._buffer("host", name).like(tuple(value.shape), value.dtype)
                self._results[name] = host.copy_(value, non_blocking=True)

        self._cut = cut
        self._done = lanes.drain.do(drain, after=lanes.compute.do(work, after=lanes.feed.do(feed)))

    def finish(self, whole: dict[str, Array], batch: int) -> None:
        """Wait for the cut, if there is one, and widen its values into those of the whole batch."""
        if self._done is None:
            return
        self._done.synchronize()
        for name, value in self._results.items():
            if name not in whole:
                whole[name] = torch.empty((len(value), batch, *value.shape[2:]), dtype=self._stored[name]).numpy()
            torch.from_numpy(whole[name])[:, self._cut].copy_(value)
        self._done = None

    def _staged(self, name: str, part: Array) -> torch.Tensor:
        return self._buffer("staged", name).like(part.shape, self._travels[name]).copy_(torch.from_numpy(part))

    def _buffer(self, side: str, name: str) -> Buffer:
        if (side, name) not in self._buffers:
            here = torch.device("cpu") if side in ("staged", "host") else self._device
            self._buffers[side, name] = Buffer(here, self._pinned and here.type == "cpu")
        return self._buffers[side, name]
