"""
The table of all torch functions that can be imported: function name -> rule.

A rule is called like the function, with a `Recorder` in front and a `View` in place of every traced tensor; it returns the
view (or the tuple of views) of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontend.function_rules import (
    arithmetic,
    einsum,
    elementwise,
    layers,
    pooling,
    queries,
    reductions,
    slicing,
    views,
)

FUNCTION_RULES: dict[str, Callable[..., Any]] = {
    **views.RULES,
    **slicing.RULES,
    **arithmetic.RULES,
    **elementwise.RULES,
    **reductions.RULES,
    **layers.RULES,
    **pooling.RULES,
    **einsum.RULES,
    **queries.RULES,
}


def function_name(function: Callable[..., Any]) -> str:
    """The name a torch function is filed under; `x.shape` is `get_shape`."""
    name = getattr(function, "__name__", str(function))
    if name in ("__get__", "__set__"):
        return f"{name.strip('_')}_{function.__self__.__name__}"  # pyright: ignore[reportFunctionMemberAccess]
    return name
