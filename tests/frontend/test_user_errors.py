"""Whatever code of users raises is one error with their own line; requests to end, and mistakes of ours, stay what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from frontend.user_errors import told, user_code, user_objects
from ir.errors import CompileError, known_names


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raises(error: BaseException) -> None:
    raise error


def by_a_library(error: BaseException) -> Callable[[], object]:
    """A function that raises the error without a line of this file."""
    future: Future[object] = Future()
    future.set_exception(error)
    return future.result


ANY = {
    "text": (ValueError("boom"), "ValueError: boom"),
    "no text": (Speechless(), "Speechless: (it has no text)"),
    "empty": (MemoryError(), "MemoryError"),
    "exit": (SystemExit(0), "SystemExit: 0"),
    "base": (BaseException("b"), "BaseException: b"),
    "generator": (GeneratorExit(), "GeneratorExit"),
    "iteration": (StopIteration(3), "StopIteration: 3"),
    "reader": (BrokenPipeError(32, "Broken pipe"), "BrokenPipeError: [Errno 32] Broken pipe"),
}


@pytest.mark.parametrize("case", ANY)
def test_whatever_it_is(case: str) -> None:
    error, text = ANY[case]
    assert told(error) == text
    with pytest.raises(CompileError) as caught, user_code("build()", "net.py", "weights.fit", "look at it"):
        raises(error)
    assert (caught.value.rule, caught.value.what, caught.value.where) == (
        "weights.fit",
        f"build() raised {text}",
        "net.py",
    )
    line = raises.__code__.co_firstlineno + 1
    assert caught.value.hint == f"raised at {__file__}:{line}; look at it"
    assert caught.value.__cause__ is error
    with pytest.raises(CompileError, match="code of the model raised"), user_objects():
        raises(error)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CompileError("some.rule", "is wrong")])
@pytest.mark.parametrize("guard", [lambda: user_code("build()"), user_objects])
def test_requests_to_end_and_errors_of_ours_pass(guard, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, guard():
        raises(error)
    assert caught.value is error


def test_the_line_is_the_user_s_not_the_library_s() -> None:
    with pytest.raises(CompileError) as caught, user_objects():
        json.loads("{")
    assert caught.value.hint.startswith(f"raised at {__file__}:")


def test_what_only_a_library_raised_is_the_user_s_where_their_code_was_run() -> None:
    with pytest.raises(CompileError) as caught, user_code("the model"):
        by_a_library(ValueError("boom"))()
    assert "raised at" in caught.value.hint  # this file's call of it
    assert caught.value.what == "the model raised ValueError: boom"


def test_a_mistake_of_ours_is_none_of_the_user_s() -> None:
    with pytest.raises(TypeError), user_objects():
        known_names("name", 3)  # pyright: ignore[reportArgumentType]
