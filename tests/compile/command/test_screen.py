"""The screen: as wide as the terminal, colours on a terminal alone."""

from __future__ import annotations

import io

import pytest

from compile.command.screen import CODES, WIDTH, Screen, screen_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_no_terminal_is_wide_and_plain(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert screen_of(io.StringIO()) == Screen(WIDTH, {})
    monkeypatch.setenv("COLUMNS", "90")
    assert screen_of(io.StringIO()) == Screen(90, {})


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_on_a_terminal_that_wants_them(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert screen_of(Terminal()) == Screen(80, CODES)
    monkeypatch.setenv(name, value)
    assert screen_of(Terminal()) == Screen(80, {})


def test_names_of_users_do_nothing_to_the_terminal():
    assert Screen(80).wrapped("check    \x1b[31mred") == ["check    \\x1b[31mred"]


def test_sentences_are_wrapped_below_their_label():
    lines = Screen(30).wrapped("check    a sentence of some words that goes on")
    assert max(map(len, lines)) <= 30
    assert all(line.startswith(" " * 9) for line in lines[1:])
    assert Screen(30).paint("PASS", "good") == "PASS"
    assert Screen(30, CODES).paint("PASS", "good") == "\033[32mPASS\033[0m"
