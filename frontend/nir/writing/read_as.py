"""The one reading of a written file: canonical wherever the graph's neurons allow it."""

from __future__ import annotations

from collections.abc import Mapping

from frontend.nir.meaning.semantics import OPTIONS, Semantics, checked
from frontend.nir.writing.populations import Allowed
from ir.errors import CompileError

CANONICAL = Semantics(dt=1.0, time_unit="step")
"""What a file means where nothing else is needed: time in steps."""


def reading_of(allowed: Mapping[str, Allowed]) -> tuple[Semantics, frozenset[str]]:
    """
    The reading that the neurons share, option by option, and the names of those that it does not fit.

    Args:
        allowed: node -> option -> the values that it allows. An option that splits the neurons is left canonical.
    """
    chosen = CANONICAL.options()
    for option in OPTIONS:
        said = [values[option] for values in allowed.values() if option in values]
        shared = [value for value in said[0] if all(value in other for other in said)] if said else []
        if shared and chosen[option] not in shared and _known(option, shared[0]):
            chosen[option] = shared[0]
    odd = frozenset(
        name for name, values in allowed.items() if any(chosen[option] not in known for option, known in values.items())
    )
    return Semantics(**chosen), odd


def _known(option: str, value: object) -> bool:
    try:
        return checked(option, value) == value
    except CompileError:
        return False
