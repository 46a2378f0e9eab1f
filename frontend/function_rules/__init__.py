"""
The table of all torch functions that can be imported: function name -> rule.

A rule is called like the function, with a `Recorder` in front and a `View` in place of every traced tensor; it returns the
view (or the tuple of views) of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from frontend.function_rules import (
    arithmetic,
    elementwise,
    joining,
    layers,
    matrix_products,
    norms,
    pairs,
    pooling,
    queries,
    readouts,
    reductions,
    rerouting,
    resampling,
    slicing,
    views,
)
from frontend.function_rules.queries import VALUES
from ir.errors import CompileError, known_names

FUNCTION_RULES: dict[str, Callable[..., Any]] = {
    **views.RULES,
    **slicing.RULES,
    **joining.RULES,
    **arithmetic.RULES,
    **elementwise.RULES,
    **reductions.RULES,
    **readouts.RULES,
    **rerouting.RULES,
    **resampling.RULES,
    **layers.RULES,
    **norms.RULES,
    **pairs.RULES,
    **matrix_products.RULES,
    **pooling.RULES,
    **queries.RULES,
}
"""Name of a torch function -> its rule."""


_SCRIPT = "script "


def function_name(function: Callable[..., Any]) -> str:
    """The name a torch function is filed under; `x.shape` is `get_shape`. A script has a name that no function has."""
    if isinstance(function, torch.jit.ScriptFunction):
        return f"{_SCRIPT}{function.name}"
    name = getattr(function, "__name__", str(function))
    if name in ("__get__", "__set__"):
        return f"{name.strip('_')}_{function.__self__.__name__}"  # pyright: ignore[reportFunctionMemberAccess]
    return name


def is_in_place(name: str) -> bool:
    """Whether a function writes its result into its first argument: `add_`, but not `__add__`."""
    return name.endswith("_") and not name.endswith("__")


def rule_name(name: str) -> str:
    """The name in `FUNCTION_RULES` of a function's rule: `add_` is a sum. CompileError, saying why, where there is none."""
    if name in VALUES:
        raise CompileError(
            "import.values",
            f"the model looks at computed numbers ({name})",
            hint="what a network does must not depend on its values; compute this outside",
        )
    if name in FUNCTION_RULES:
        return name
    if name.startswith(_SCRIPT):
        hint = "call the Python function, or what torch.jit.script makes of it"
        raise CompileError("import.function", f"the {name} has no Python code that torch kept", hint=hint)
    if is_in_place(name) and name[:-1] in FUNCTION_RULES:
        return name[:-1]
    if is_in_place(name) or name == "__setitem__" or name.startswith("set_"):
        raise CompileError(
            "import.in_place", f"{name} writes into a tensor", hint="write it without changing tensors in place"
        )
    raise CompileError(
        "import.function",
        f"no rule for the function {name}",
        hint=known_names(name, sorted(key for key in FUNCTION_RULES if not key.startswith("_")))
        + "; all: --list rules",
    )
