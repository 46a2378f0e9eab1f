"""
Types of values: shape, domain and scale.

Batch and time are not axes: a graph describes one time step of one sample. The domain says what a value costs on a
chip, from cheap to costly, and promotion between domains is never silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import prod

from ir.errors import CompileError

KINDS = ("spike", "count", "graded", "current", "real")
_BOUNDED = ("count", "graded")


@dataclass(frozen=True)
class Domain:
    """The set a value lives in."""

    kind: str
    """
    spike: {0, 1}. `count<r>`: 0..r, the sum of r spike populations. `graded<b>`: a signed integer payload of b bits (real
    numbers before quantisation). current: a weighted sum on its way into a neuron. real: analog, host only.
    """
    bound: int = 0
    """r or b; 0 where the kind has none."""

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind
        assert (self.bound > 0) == (self.kind in _BOUNDED), (self.kind, self.bound)

    def __str__(self) -> str:
        return f"{self.kind}<{self.bound}>" if self.bound else self.kind

    @property
    def populations(self) -> int:
        """How many spike populations carry the value: r for `count<r>`, 1 for spike and graded, else 0."""
        if self.kind == "count":
            return self.bound
        return 1 if self.kind in ("spike", "graded") else 0


SPIKE = Domain("spike")
CURRENT = Domain("current")
REAL = Domain("real")


def count(populations: int) -> Domain:
    """The domain of a sum of `populations` spike populations; one population is a plain spike."""
    return SPIKE if populations == 1 else Domain("count", populations)


def graded(bits: int) -> Domain:
    """The domain of signed integer payloads of `bits` bits."""
    return Domain("graded", bits)


@dataclass(frozen=True)
class Type:
    """What a value is, of one sample at one step."""

    shape: tuple[int, ...]
    domain: Domain = REAL
    scale: float = 1.0
    """Real value = scale x stored number."""
    static: bool = False
    """Whether the value is the same at every step of a sample's window."""
    steps: int = 0
    """T of the value's own window; 0 for that of the graph, and for a static value."""

    @property
    def size(self) -> int:
        """Elements of one sample at one step."""
        return prod(self.shape)

    @property
    def is_spiking(self) -> bool:
        """Whether spikes, or payloads, of populations carry the value."""
        return self.domain.populations > 0

    def with_shape(self, shape: tuple[int, ...]) -> Type:
        """The same domain, scale and timing at another shape."""
        return replace(self, shape=shape)

    def moved(self, steps: int, to: int) -> Type:
        """The type in a graph whose window has `to` steps, of a value in one whose window has `steps`."""
        own = self.steps or steps
        return replace(self, steps=0 if self.static or own == to else own)

    def __str__(self) -> str:
        text = f"{self.domain}[{'x'.join(map(str, self.shape))}]"
        if self.scale != 1.0:
            text += f"*{self.scale!r}"
        return text + (" static" if self.static else "") + (f" T={self.steps}" if self.steps else "")


_TYPE = re.compile(
    r"(?P<kind>[a-z]+)(<(?P<bound>\d+)>)?\[(?P<shape>[\dx]*)\](\*(?P<scale>\S+))?(?P<static> static)?( T=(?P<steps>\d+))?"
)


def parse_type(text: str) -> Type:
    """The type that `str(type)` printed; raises CompileError on anything else."""
    match = _TYPE.fullmatch(text)
    if match is None or match["kind"] not in KINDS:
        raise CompileError("ir.type", f"{text!r} is not a type", hint="for example spike[36x1024] or count<2>[36x1024]")
    shape = tuple(int(n) for n in match["shape"].split("x") if n)
    domain = Domain(match["kind"], int(match["bound"] or 0))
    return Type(shape, domain, float(match["scale"] or 1.0), match["static"] is not None, int(match["steps"] or 0))
