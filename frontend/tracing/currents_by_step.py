"""
Neurons that read other values at other steps of the window: a norm of its own for every step (BNTT), other weights, other layers;
or spikes of the step before, which are zeros at first.

    step 0: lif(bn_0(h)), step 1: lif(bn_1(h)), ...      lif(bn_0(h) [1, 0, ..] + bn_1(h) [0, 1, ..] + ...)
    step 0: lif(h + w 0), step 1: lif(h + w z[0]), ...   lif(h + w past(z))

A first run finds out which neurons do so. In the second one they read a placeholder, what it stands for when all steps are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from frontend.recording.earlier import depends
from frontend.recording.layout import View
from frontend.recording.present import alike_at, present, reach, without_time
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.ops import Add, Reshape, TimeWeight
from ir.types import REAL, Domain

FOLD_HINT = "do the same at every step, with the state in neuron layers only; or use multi-step mode (step_mode='m')"


@dataclass
class CurrentsByStep:
    """What one neuron layer reads, step after step: views in order, and constants (B, ...)."""

    recorder: Recorder
    reads: list[View | torch.Tensor] = field(default_factory=list["View | torch.Tensor"])

    @property
    def vary(self) -> bool:
        """Whether the last step reads something else than the first one did, or constants."""
        first, last = self.reads[0], self.reads[-1]
        if not isinstance(first, View) or not isinstance(last, View):
            return True
        return last.step not in (None, len(self.reads) - 1) or replace(first, step=None) != replace(last, step=None)

    @property
    def domain(self) -> Domain:
        """What the value will be that is read in place of all of them; CompileError where there is none."""
        return self.recorder.node(self._terms[-1]).type.domain if len(set(self._terms)) == 1 else REAL

    def join(self, value: str) -> None:
        """A placeholder becomes what is read; CompileError where that is made of itself."""
        terms = self._terms
        if any(depends(self.recorder, term, value, at_once=True) for term in terms):
            what, hint = "a neuron reads what its own spikes make in the same step", "let them come back a step later"
            raise CompileError("import.steps", what, hint=hint)
        node = self.recorder.node(terms[-1])
        if len(set(terms)) > 1:
            rows = [self._at_its_steps(term, terms) for term in dict.fromkeys(terms)]
            self.recorder.revise(value, Add(), *rows)
        elif node.op.family in ("neuron", "input"):
            self.recorder.revise(value, Reshape(node.type.shape), node.name)
        else:
            params = {role: Constant(key, self.recorder.array(key)) for role, key in node.params}
            self.recorder.revise(value, node.op, *node.inputs, params=params)

    @cached_property
    def _terms(self) -> list[str]:
        """The values that are read, step by step: at the first steps the last one's, where silence makes the same of it."""
        recorder = self.recorder
        if not isinstance(self.reads[-1], View):
            raise CompileError("import.constant", "a neuron's current does not depend on the inputs")
        static = [without_time(recorder, read.value) if isinstance(read, View) else set[str]() for read in self.reads]
        fixed = set[str].intersection(*static)
        last = present(recorder, self.reads[-1], len(self.reads) - 1, fixed)
        late, terms = reach(recorder, last), list[str]()
        for step, read in enumerate(self.reads):
            value = present(recorder, read, step, fixed) if isinstance(read, View) else read
            if value is not last and step < late and alike_at(recorder, value, last, step):
                value = last
            if isinstance(value, torch.Tensor):
                what = f"a neuron reads constants at step {step} that zeros do not make at later ones"
                raise CompileError("import.constant", what, hint="let what comes back start from zeros")
            terms.append(value)
        return terms

    def _at_its_steps(self, term: str, terms: list[str]) -> str:
        marks = torch.tensor([float(each == term) for each in terms], dtype=self.recorder.dtype)
        params = {"weight": self.recorder.constant(marks, "steps")}
        return self.recorder.emit(TimeWeight(), term, params=params, name=f"{self.recorder.path}.at_step")


def placeholder(recorder: Recorder, shape: tuple[int, ...], domain: Domain, steps: int) -> str:
    """A value of that kind, of so many steps, that is not known yet."""
    label = f"{recorder.path}.steps"
    return recorder.placeholder(Reshape(shape), recorder.past(label, shape, steps, domain), name=label)


@dataclass
class StepNeuron:
    """A neuron in single-step mode."""

    path: str
    """Of the module in the model."""
    name: str
    """Of the module's class."""
    read: View
    """The current that it reads: at the first step, or a placeholder for that of all of them."""
    feedback: tuple[str, ...]
    """Its recurrent currents: IR values in the order of `read`."""
    value: str
    """Its spikes: an IR value; "" where it never fires."""
    currents: CurrentsByStep
    """What it has read, step after step."""

    @property
    def calls(self) -> int:
        """Steps that it has made."""
        return len(self.currents.reads)

    def check_step(self, steps: int) -> None:
        """CompileError where it makes another step than the window has."""
        if self.calls >= steps:
            what = f"{self.name} runs more than {steps} times in a window of {steps} steps"
            raise CompileError("import.steps", what, where=self.path, hint=FOLD_HINT)

    def take(self, read: View | torch.Tensor) -> None:
        """The next step reads a value, or constants; CompileError where no neuron can."""
        constant = isinstance(read, torch.Tensor)
        if read.shape != self.read.shape or not (constant or read.dims == self.read.dims):
            what = f"{self.name} reads {tuple(read.shape) if constant else read} at step {self.calls}, and {self.read} before"
            raise CompileError("import.steps", what, where=self.path, hint=FOLD_HINT)
        self.currents.reads.append(read)
