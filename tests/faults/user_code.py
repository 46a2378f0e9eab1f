"""Model files that raise anything anywhere, while they are compiled, measured or trained: one error, exit code 2."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.faults.command import Command
from tests.faults.networks import compiles, measured_file, small_file, trains
from tests.faults.trial import Kind, Trial, clean, judged, require

ODD = """
class Mute(Exception):
    def __str__(self): raise ValueError
    __repr__ = __str__

class Base(BaseException): pass

class Liar(Exception):
    __class__ = property(lambda self: 1 / 0)

def raised(error):
    raise error

def deep(n=0):
    return deep(n + 1)

class Hostile:
    def __getattribute__(self, name): raise Mute
    def __len__(self): raise Mute

"""
RAISED = (
    "raised(Mute())",
    "raised(Base('b'))",
    "raised(Liar())",
    "raised(GeneratorExit())",
    "raised(SystemExit(0))",
    "raised(SystemExit(None))",
    "raised(StopIteration(1))",
    "raised(StopAsyncIteration())",
    "raised(ValueError('x' * 100_000))",
    "raised(ValueError('\\x1b[31m\\x00\\ud800'))",
    "raised(KeyError())",
    "raised(OSError(28, 'No space'))",
    "raised(BrokenPipeError())",
    "raised(MemoryError())",
    "raised(RecursionError())",
    "raised(AssertionError())",
    "raised(NotImplementedError())",
    "raised(UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad'))",
    "raised(ImportError('x', name='y'))",
    "raised(torch.cuda.OutOfMemoryError())",
    "raised(EOFError())",
    "raised(BaseExceptionGroup('g', [Mute()]) if 'BaseExceptionGroup' in dir(__builtins__) else Mute())",
    "raised(3)",
    "deep()",
    "1 // 0",
    "Hostile()",
    "[][1]",
    "undefined",
)
"""Expressions in the place of something sensible."""
RETURNED = re.compile(r"(?<=return )(?!f?\")[^\n]+|(?<= = )[^\n=]+$", re.MULTILINE)


def _files(trial: Trial, path: Path) -> str:
    """The file with one of its expressions replaced."""
    text = path.read_text()
    places = list(RETURNED.finditer(text))
    place, raised = trial.rng.choice(places), trial.rng.choice(RAISED)
    changed = text[: place.start()] + raised + text[place.end() :]
    future = "from __future__ import annotations\n"
    path.write_text((future if future in changed else "") + "import torch\n" + ODD + changed.replace(future, ""))
    return f"{raised} for {place.group()!r}"


def _raises(make: Callable[[Path], Path], command: Callable[[Path], Command]) -> Kind:
    def kind(trial: Trial) -> str:
        source = make(trial.folder)
        fault = _files(trial, source)
        ended = trial.run(command(source))
        outcome = judged(ended, frozenset({2}))
        required = any((trial.folder / "out").rglob(name) for name in ("report.json", "results.json", "w.pt"))
        require(outcome == "refused" or required, "lost", f"exit code 0 without a result: {fault}")
        clean(trial.folder)
        return outcome

    return kind


KINDS: dict[str, Kind] = {
    "code.compile": _raises(measured_file, lambda file: compiles(file, "--target", "gpu", "--out", "out", "--quiet")),
    "code.evaluate": _raises(measured_file, lambda file: compiles("evaluate", file, "--out", "out")),
    "code.train": _raises(small_file, lambda file: trains(file, "--epochs", 2, "--out", "out/w.pt")),
}
