"""
Neurons that read other values at other steps of the window: a norm of its own for every step (BNTT), other weights, other layers.

    step 0: lif(bn_0(h)), step 1: lif(bn_1(h)), ...      lif(bn_0(h) [1, 0, ..] + bn_1(h) [0, 1, ..] + ...)

A first run finds out which neurons do so. In the second one they read a placeholder, the sum when all steps are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from frontend.recording.earlier import depends
from frontend.recording.layout import View
from frontend.recording.recorder import Constant, Recorder
from ir.ops import Add, TimeWeight


@dataclass
class CurrentsByStep:
    """What one neuron layer reads, step after step."""

    recorder: Recorder
    value: str
    """The placeholder, later the sum."""
    reads: list[View] = field(default_factory=list[View])

    @classmethod
    def of(cls, recorder: Recorder, read: View) -> CurrentsByStep:
        """Those of a neuron that is about to read its first one."""
        value = recorder.placeholder(TimeWeight(), read.value, f"{recorder.path}.steps", _rows(recorder, [read], read))
        return cls(recorder, value)

    def add(self, read: View) -> None:
        """The next step's; behind the last one the placeholder becomes the sum."""
        self.reads.append(read)
        if len(self.reads) == self.recorder.window(read):
            terms = [self._at_its_steps(each) for each in dict.fromkeys(self.reads)]
            self.recorder.revise(self.value, Add(), *terms)

    def _at_its_steps(self, read: View) -> str:
        params = _rows(self.recorder, self.reads, read)
        return self.recorder.emit(TimeWeight(), read.value, params=params, name=f"{self.recorder.path}.at_step")


def may_vary(recorder: Recorder, read: View, first: View, spikes: str) -> bool:
    """Whether a neuron can read `read` in place of the `first`: one of its kind, which is not made of its own `spikes`."""
    alike = read.dims == first.dims and recorder.type(read) == recorder.type(first)
    return alike and not (spikes and depends(recorder, read.value, spikes))


def _rows(recorder: Recorder, reads: list[View], read: View) -> dict[str, Constant]:
    """1 at the steps at which a value is read, 0 at others."""
    marks = [float(step < len(reads) and reads[step] == read) for step in range(recorder.window(read))]
    return {"weight": recorder.constant(torch.tensor(marks, dtype=recorder.dtype), "steps")}
