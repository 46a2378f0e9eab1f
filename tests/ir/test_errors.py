"""What a user reads of a mistake: one layout, the exit code that scripts see, and every violation of a target."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from ir.errors import LONGEST, CompileError, DeployError, Violation, known_names, printable

FIRST = Violation(
    rule="loihi.delay", what="%a waits 70 steps", where="net.a", hint="shorten it", node="a", number=70, limit=62
)
THIRD = Violation(
    rule="map.axons", what="%b", where="net.b (pass)", hint="", node="b", number=4608, limit=4096, unit="axons"
)
SECOND = Violation(rule="loihi.bits", what="weights of 12 bits", where="net", hint="")


@pytest.mark.parametrize(
    ("where", "hint", "rest"),
    [
        ("", "", ""),
        ("net.fc", "", "\n  where   net.fc"),
        ("", "do it", "\n  hint    do it"),
        ("net.fc", "do it", "\n  where   net.fc\n  hint    do it"),
    ],
)
def test_lines_that_say_nothing_are_left_out(where: str, hint: str, rest: str):
    error = CompileError("ir.shape", "it does not fit", where=where, hint=hint)
    assert str(error) == "error[ir.shape]: it does not fit" + rest
    assert (error.rule, error.what, error.where, error.hint) == ("ir.shape", "it does not fit", where, hint)


def test_texts_of_users_do_nothing_to_a_terminal():
    assert printable("größe 脉冲\n\t") == "größe 脉冲\n\t"
    assert printable("\x1b[31m\r\x07\u202e\ud800") == "\\x1b[31m\\r\\x07\\u202e\\ud800"
    error = CompileError("some.rule", "x" * 100_000, where="\x1b[2J", hint="y" * LONGEST)
    assert error.what == "x" * LONGEST + "... (98,000 characters more)"
    assert (error.where, error.hint) == ("\\x1b[2J", "y" * LONGEST)


def test_a_violation_has_the_layout_of_an_error():
    assert FIRST.text() == str(CompileError(FIRST.rule, FIRST.what, where=FIRST.where, hint=FIRST.hint))
    assert (SECOND.node, SECOND.number, SECOND.limit) == ("", None, None)


def test_a_network_that_cannot_be_deployed_names_every_violation():
    error = DeployError([FIRST, SECOND])
    assert error.violations == (FIRST, SECOND)
    assert str(error) == f"{FIRST.text()}\n{SECOND.text()}"
    assert (error.rule, error.what, error.where, error.hint) == (
        "loihi.delay",
        "%a waits 70 steps",
        "net.a",
        "shorten it",
    )


def test_limits_are_one_table_and_what_has_no_number_follows_it():
    lines = str(DeployError([FIRST, SECOND, THIRD, replace(FIRST, node="c", number=63)])).splitlines()
    assert lines == [
        "error[loihi.delay, map.axons]: 3 limits of the profile are exceeded",
        "  rule         node  where         needs        limit  times",
        "  loihi.delay  %a    net.a         70           62     1.13",
        "  map.axons    %b    net.b (pass)  4,608 axons  4,096  1.12",
        "  loihi.delay  %c    net.a         63           62     1.02",
        "  hint[loihi.delay] shorten it",
        *SECOND.text().splitlines(),
    ]


@pytest.mark.parametrize("error", [CompileError("a.b", "c", where="d", hint="e"), DeployError([FIRST, SECOND])])
def test_an_error_of_another_process_is_what_it_was(error: CompileError):
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))


def test_exit_codes_tell_bad_input_from_a_network_that_a_target_lacks():
    assert (CompileError("a", "b").exit_code, DeployError([FIRST]).exit_code) == (2, 3)
    assert isinstance(DeployError([FIRST]), CompileError)


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("x", [], "known: none"),
        ("x", ["a", "b", "a"], "known: a, b"),
        ("convd", [*"abcdefgh", "conv1d", "conv2d", "linear"], "known names like it: conv2d, conv1d"),
        ("zzz", [*"abcdefghi"], "none of the 9 known names is like it"),
    ],
)
def test_names_that_are_known(name: str, known: list[str], hint: str):
    assert known_names(name, known) == hint


def test_a_place_is_said_once() -> None:
    error = CompileError("some.rule", "is wrong", hint="mend it").placed("block.0")
    assert str(error) == "error[some.rule]: is wrong\n  where   block.0\n  hint    mend it"
    assert error.placed("elsewhere").where == "block.0"
