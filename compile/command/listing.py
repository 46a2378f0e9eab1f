"""What exists, for `--list`: every table of the compiler that a user can choose from."""

from __future__ import annotations

from collections.abc import Callable

import hw_profiles
from ir.errors import CompileError
from ir.ops import OPS


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]


def _profiles() -> list[tuple[str, str]]:
    """The chips among them."""
    return [(name, hw_profiles.load(name).title) for name in hw_profiles.chips()]


def _prices() -> list[tuple[str, str]]:
    profiles = [hw_profiles.load(name) for name in hw_profiles.names()]
    return [(profile.name, profile.title) for profile in profiles if "energy" in profile.tables]


def _ops() -> list[tuple[str, str]]:
    return [(kind, f"{op.family:10}  {_first_line(op.__doc__)}") for kind, op in OPS.items()]


def _rules() -> list[tuple[str, str]]:
    from frontend.function_rules import FUNCTION_RULES
    from frontend.neuron_rules.table import NEURON_RULES

    functions = [(str(function), "function") for function in FUNCTION_RULES]
    return [(name, "neuron") for name in NEURON_RULES] + sorted(set(functions))


def _strategies() -> list[tuple[str, str]]:
    """The lowerings among which a user can choose."""
    from ir.lowerings.table import LOWERINGS

    choices = {op: table for op, table in LOWERINGS.items() if len(table) > 1}
    rows = [(f"{op}={name}", strategy) for op, table in choices.items() for name, strategy in table.items()]
    return [(name, f"{_first_line(strategy.rule.__doc__)}{_needs(strategy.needs)}") for name, strategy in rows]


def _needs(features: tuple[str, ...]) -> str:
    return f" (needs {', '.join(features)})" if features else ""


def _semantics() -> list[tuple[str, str]]:
    from frontend.nir.meaning.semantics import rows

    return [(name, f"{values}: {text}") for name, values, text in rows()]


def _presets() -> list[tuple[str, str]]:
    from frontend.nir.meaning.semantics_presets import preset_rows

    return [(name, f"{text} [{options}]" if options else text) for name, options, text in preset_rows()]


def _targets() -> list[tuple[str, str]]:
    from backends.targets import TARGETS

    return [(name, load().title) for name, load in TARGETS.items()]


LISTS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "ops": _ops,
    "presets": _presets,
    "prices": _prices,
    "profiles": _profiles,
    "rules": _rules,
    "semantics": _semantics,
    "strategies": _strategies,
    "targets": _targets,
}
"""Name for --list -> the rows (name, one line)."""


def listing(what: str) -> str:
    """A two-column table of what exists; CompileError with the known names for anything else."""
    if what not in LISTS:
        raise CompileError("cli.list", f"nothing called {what!r} to list", hint=f"known: {', '.join(LISTS)}")
    rows = LISTS[what]()
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows)
