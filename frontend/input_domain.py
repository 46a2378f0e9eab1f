"""
What values an input takes: spikes, small counts or real numbers, as the user says it or the example shows it.

Spikes and counts are populations of the chip, so that the first layer runs there; real numbers are the host's until the first
neurons. An input that only ever shows 0 and 1 is spikes, one of whole numbers from 0 to `LARGEST_SHOWN` is counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch

from ir.errors import CompileError
from ir.graph import Array
from ir.types import REAL, SPIKE, Domain, count

LARGEST_SHOWN = 16
"""Whole numbers up to this one are taken for counts; larger ones, such as the bytes of a picture, only where the user says so."""
LARGEST = 255
"""The largest count that can be stated."""
_COUNT = re.compile(r"count(?:<(\d+)>|:(\d+))")
HINT = "spike, real, or a count with its largest value: count<3> (on the command line count:3)"


def domain_of(values: Array) -> Domain:
    """
    The domain that values show.

    >>> [str(domain_of(np.array(values))) for values in ([0, 1, 1], [0.0, 2.0], [0.5, 1.0], [-1, 2], [0, 200])]
    ['spike', 'count<2>', 'real', 'real', 'real']
    """
    largest = float(values.max(initial=0))
    small = float(values.min(initial=0)) >= 0 and largest <= LARGEST_SHOWN and bool((values == np.rint(values)).all())
    return count(max(1, int(largest))) if small else REAL


def stated_domain(name: str, text: str) -> Domain:
    """
    The domain that a text says.

    >>> [str(stated_domain("x", text)) for text in ("spike", "count<3>", "count:3", "count:1", "real")]
    ['spike', 'count<3>', 'count<3>', 'spike', 'real']

    Raises:
        CompileError: for anything else.
    """
    if text in ("spike", "real"):
        return SPIKE if text == "spike" else REAL
    match = _COUNT.fullmatch(str(text))
    largest = int(match[1] or match[2]) if match else 0
    if not 1 <= largest <= LARGEST:
        raise CompileError("inputs.domain", f"input {name} cannot be {text!r}", hint=f"{HINT}, up to {LARGEST}")
    return count(largest)


def input_domains(stated: Mapping[str, str], shown: Mapping[str, Array]) -> dict[str, Domain]:
    """
    Input -> its domain: what is stated, else what its values show.

    Raises:
        CompileError: a statement about an input that there is not, or that the values contradict.
    """
    for name in stated:
        if name not in shown:
            raise CompileError("inputs.domain", f"no input {name!r}", hint=f"inputs: {', '.join(shown)}")
    domains = {name: stated_domain(name, text) for name, text in stated.items()}
    for name, domain in domains.items():
        check_values(name, shown[name], domain)
    return {name: domains[name] if name in domains else domain_of(values) for name, values in shown.items()}


def shown_values(example: Mapping[str, Any], static: Collection[str]) -> dict[str, Array]:
    """The values of inputs that may be spikes or counts: neither ids nor what does not change in time."""
    timed = {name: torch.as_tensor(value) for name, value in example.items() if name not in static}
    return {name: value.detach().cpu().numpy() for name, value in timed.items() if value.is_floating_point()}


def check_values(name: str, values: Array, domain: Domain) -> None:
    """CompileError naming the first value that spikes or counts of this domain cannot be."""
    if domain == REAL:
        return
    largest = max(1, domain.bound)
    wrong = (values < 0) | (values > largest) | (values != np.rint(values))
    if wrong.any():
        value = values[wrong][0]
        what = f"input {name} holds {value:g}, but it is {domain}: whole numbers from 0 to {largest}"
        small = value == np.rint(value) and 0 < value <= LARGEST
        wide = f"count<{int(value)}>" if small else "real"
        flag = f"--domain {name}={wide.replace('<', ':').rstrip('>')}"
        hint = f"compile it for what it can be: domains={{{name!r}: {wide!r}}}, on the command line {flag}"
        raise CompileError("inputs.domain", what, hint=hint)
