"""
The files of a training run, each whole at every moment: weights, log, and the state from which an interrupted run goes on.

Weights are written after every epoch that is the best so far, the log (`.jsonl`) and the state (`.state`) after every epoch; the
state goes when the run has ended. What an earlier run wrote is touched only where the user says so.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from zipfile import is_zipfile

import torch

from models.training.training_error import TrainingError, first_line

LOG, STATE = ".jsonl", ".state"
Content = TypeVar("Content")


@dataclass(frozen=True)
class RunFiles:
    """Where a run writes."""

    weights: Path

    def __post_init__(self) -> None:
        if not self.weights.name:
            raise TrainingError(f"cannot write the file {self.weights}")
        if self.weights.suffix in (LOG, STATE):
            raise TrainingError(
                f"--out {self.weights}: that name is the log's or the state's; call the weights NAME.pt"
            )

    @property
    def log(self) -> Path:
        """One JSON object per line: settings, every epoch, the test metrics."""
        return self.weights.with_suffix(LOG)

    @property
    def state(self) -> Path:
        """From where an interrupted run goes on."""
        return self.weights.with_suffix(STATE)

    def check(self, resume: bool, force: bool) -> None:
        """
        Refuse what would end badly, before anything is computed.

        Raises:
            TrainingError: the files cannot be written, an earlier run's are in the way, or there is nothing to go on from.
        """
        try:
            self.weights.parent.mkdir(parents=True, exist_ok=True)
            self._check_earlier(resume, force)
            for path in self._all:
                _partial(path).touch()
                _partial(path).unlink()
        except OSError as error:
            raise TrainingError(f"cannot write to {self.weights.parent}: {error.strerror}") from None

    @property
    def _all(self) -> tuple[Path, ...]:
        return self.weights, self.log, self.state

    def _check_earlier(self, resume: bool, force: bool) -> None:
        there = [path for path in self._all if path.exists()]
        unfit = [path for path in there if not path.is_file()]
        if unfit:
            raise TrainingError(f"cannot write the file {unfit[0]}: a folder or a device is there")
        if resume and self.state not in there:
            raise TrainingError(f"nothing to go on from: there is no {self.state}; leave --resume out to begin")
        if there and not resume and not force:
            ways = "--resume to go on, " if self.state in there else ""
            names = ", ".join(map(str, there))
            raise TrainingError(f"an earlier run wrote {names}: {ways}--force to replace it, or another --out")

    def read_state(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The state of an interrupted run; TrainingError where it is no whole one, or of other settings."""
        try:
            state: dict[str, Any] = torch.load(self.state, weights_only=True)
            stated = state["settings"]
        except (OSError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError) as error:
            raise TrainingError(
                f"{self.state} is no state of a run ({type(error).__name__}); begin anew with --force"
            ) from None
        if stated != plain(settings):
            names = [name for name in {*stated, *settings} if stated.get(name) != plain(settings).get(name)]
            raise TrainingError(f"{self.state} is of a run with other settings ({', '.join(sorted(names))})")
        return state

    def write_state(self, settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Replace the state."""
        content = {"settings": plain(settings), **state}
        _write_tensors(self.state, lambda path: torch.save(content, path))

    def write_log(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Replace the log."""
        write_json_lines(self.log, lines)

    def write_weights(self, save: Callable[[Path], None]) -> None:
        """Replace the weights."""
        _write_tensors(self.weights, save)

    def write_first_weights(self, save: Callable[[Path], None]) -> None:
        """Replace those of an earlier run, and once they are written its log and state, which would not fit them."""
        _write_tensors(self.weights, save, self._forget)

    def _forget(self) -> None:
        self.end()
        self.log.unlink(missing_ok=True)

    def end(self) -> None:
        """The run is over: there is nothing to go on from."""
        self.state.unlink(missing_ok=True)


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON gives them back."""
    return json.loads(json.dumps(settings))


def digest(path: Path) -> str:
    """Of a file's bytes, by which it is known again."""
    return sha256(path.read_bytes()).hexdigest()[:16]


def read_json_lines(path: Path, read: Callable[[dict[str, Any]], Content]) -> list[Content]:
    """
    What `read` makes of the objects of a file that `write_json_lines` wrote; nothing where there is no such file.

    Raises:
        TrainingError: a line is no JSON, or `read` refuses it with a ValueError, LookupError, TypeError or AttributeError.
    """
    contents = list[Content]()
    try:
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            contents.append(read(json.loads(line)))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        where, what = f"{path}, line {len(contents) + 1}", f"{type(error).__name__}: {error}"
        raise TrainingError(f"{where} cannot be read ({what}); mend or delete the line") from None
    return contents


def write_json_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Replace a file by one JSON object per line; TrainingError as `write_whole`."""
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))


def write_text(path: Path, text: str) -> None:
    """Replace a text file; TrainingError as `write_whole`."""
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """
    Write beside the file, then rename; TrainingError where that fails, with the file as it was.

    What a killed run left there is written over: its name is always the same.
    """
    partial = _partial(path)
    try:
        write(partial)
        os.replace(partial, path)
    except OSError as error:
        raise TrainingError(f"cannot write {path}: {error.strerror or first_line(error)}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_tensors(path: Path, save: Callable[[Path], object], written: Callable[[], None] = lambda: None) -> None:
    """`write_whole` for `torch.save`, which tells a full disk by a RuntimeError, or, of the last bytes, not at all."""

    def checked(partial: Path) -> None:
        try:
            save(partial)
        except RuntimeError as error:
            raise OSError(f"is the disk full? ({first_line(error)})") from error
        with partial.open("rb") as file:
            begins = file.read(2)
        if not begins or (begins == b"PK" and not is_zipfile(partial)):  # a zip file's table is its end
            raise OSError("its end is missing: is the disk full?")
        written()

    write_whole(path, checked)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")
