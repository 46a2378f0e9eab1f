"""What the user can mend in a training, said as the compiler says such things."""

from __future__ import annotations

from ir.errors import CompileError


class TrainingError(CompileError):
    """A model file, an argument or a file of a training that does not do; the message says what, where, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__("training", what, hint=hint)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, whatever making the text does."""
    try:
        return next(iter(str(error).splitlines()), "")
    except Exception:
        return "it cannot be shown"
