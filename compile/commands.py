"""Commands beside compiling: each has a command line of its own, which is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def _evaluate(argv: Sequence[str]) -> int:
    """Whole test sets through the integer networks, and sweeps."""
    from compile.evaluation.cli import main as evaluate

    return evaluate(argv)


def _report(argv: Sequence[str]) -> int:
    """Finished runs beside each other, and what differs."""
    from compile.report.comparison.cli import main as report

    return report(argv)


COMMANDS: Mapping[str, Callable[[Sequence[str]], int]] = {"evaluate": _evaluate, "report": _report}
"""Name -> what runs it with the rest of the line; its docstring is its line of help."""
