"""A run of the little model file: what it does wrong is one line with its own line, and an interrupt says what is left."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

import models.training.command  # noqa: F401 (what it loads says things, once)
from compile.command.exit_code import EXIT_USAGE
from models import train

ODD = """
import signal, sys

class Odd(Exception):
    __str__ = None

def raised(error): raise error

def asked(number, terms):
    try:
        signal.raise_signal(number)
    except BaseException:
        return terms

"""
"""What model files do, and libraries that catch all."""
FIT = '{"fit": -float((part(x) ** 2).mean())}'
LOSS = '{"error": (part(b) ** 2).mean()}'


def trained(small: str, old: str, new: str, *arguments: str) -> int:
    """Train the model file with a change."""
    text = Path(small).read_text()
    assert old in text
    Path(small).write_text(text.replace(old, new).replace("def training(", f"{ODD}def training("))
    return train.main([small, "--epochs", "1", "--out", str(Path(small).with_name("w.pt")), *arguments])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (LOSS, "{}['x']", r"only, epoch 1: KeyError: 'x'\n  hint    raised at .*small.py:50\n$"),
        (LOSS, "sys.exit(0)", r"only, epoch 1: SystemExit: 0\n  hint    raised at .*small.py:50\n$"),
        (LOSS, "part(b[:, :1])", r"RuntimeError: .*mat1 and mat2 .*\n  hint    raised at .*small.py:50\n$"),
        (LOSS, "{'error': part(b).mean().detach()}", "only, epoch 1: RuntimeError: element 0 of tensors does not req"),
        (
            LOSS,
            "{'error': part(b).mean() * np.nan}",
            "only, epoch 1: the loss 'error' is nan, and 'fit' of dev.* is nan$",
        ),
        (FIT, "{'fit': float('nan')}", "only, epoch 1: 'fit' of dev, which decides, is nan$"),
        (FIT, "{'fat': 1.0}", "only, epoch 1: 'fit' of dev, which decides, is missing$"),
        (FIT, "{'fit': part(x).mean()}", "TypeError: 'fit' is a Tensor, not a number$"),
        (FIT, "raised(GeneratorExit())", r"GeneratorExit\n  hint    raised at .*small.py:34\n$"),
        (FIT, "raised(Odd())", r"Odd: \(it has no text\)\n  hint    raised at .*small.py:34\n$"),
        (
            FIT,
            "raised(ValueError('\\x1b[31m' + 'x' * 100_000))",
            r"ValueError: \\x1b\[31mx{1900,}\.\.\. \([\d,]+ characters more\)\n",
        ),
        ("[x[rng.permutation(8)]]", "[]", "only has no batches$"),
        ("(stage,)", "()", "small.py cannot train this: a training without stages trains nothing$"),
        ("np.cos(0.1 * done), 9)", "1.0, 0)", "small.py cannot train this: patience = 0: at least 1"),
        ("return Training(", "return str or Training(", "small.py: training\\(\\) gives a type, not a Training"),
        (
            "part.state_dict(), path))",
            "part.state_dict(), path), {'at': sys})",
            "small.py has settings that are no JSON",
        ),
        (
            "torch.save(part.state_dict(), path)",
            "{}['save']",
            r"the weights: KeyError: 'save'\n  hint    raised at .*small.py:52\n$",
        ),
        ('{"fit": 1.0}', "sys.exit(0)", r"the test metrics: SystemExit: 0\n  hint    raised at .*small.py:52\n$"),
    ],
)
def test_what_a_model_file_does_wrong_is_one_error(
    old: str, new: str, message: str, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained(small, old, new) == EXIT_USAGE
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.startswith("error[training]: ")
    assert error.count("\n") <= 2  # and where it was raised


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_that_is_lost_is_heeded_and_leaves_the_run_before(
    number: signal.Signals, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(small).with_name("w.pt")
    assert train.main([small, "--out", str(out)]) == 0
    before = {path: path.read_bytes() for path in out.parent.glob("w.*")}
    assert trained(small, LOSS, f"asked({int(number)}, {LOSS})", "--force") == 128 + number
    assert capsys.readouterr().err == f"no epoch was finished, {out} is as it was\ninterrupted by {number.name}\n"
    assert {path: path.read_bytes() for path in out.parent.glob("w.*")} == before


def test_a_state_of_another_network_is_one_line(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(small, '{"fit": 1.0}', "sys.exit(0)") == EXIT_USAGE
    assert trained(small, "nn.Linear(config.width, 1)", "nn.Linear(config.width, 2)", "--resume") == EXIT_USAGE
    assert "begin anew with --force" in capsys.readouterr().err.splitlines()[-1]


def test_a_machine_with_too_little_memory_is_told_as_such(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(small, LOSS, "raised(MemoryError())") == EXIT_USAGE
    assert capsys.readouterr().err.startswith("error[memory]: not enough memory\n  hint    smaller batches")


def test_a_line_for_a_reader_that_went_away_is_lost_in_silence(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        assert train.main([small, "--epochs", "2", "--out", str(Path(small).with_name("w.pt"))]) == 0
