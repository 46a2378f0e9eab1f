"""The life of a worker process: it computes what it is sent, and says meanwhile that it lives."""

from __future__ import annotations

import os
import pickle
import socket
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

BEAT_S = 1.0
"""Between two signs of life."""


@dataclass(frozen=True)
class Failure:
    """In place of a result: what was raised, and its traceback, which does not travel with it."""

    error: Exception
    traceback: str


class Computer:
    """Keeps what was sent last to be shared by calls: a network, with the engine that it builds."""

    _shared: Any = None

    def answer(self, message: bytes) -> bytes:
        """
        The pickled result of a pickled call, or `Failure`.

        The message is (function, shared, argument) and asks for `function(shared, argument)`; shared is None for what it was.
        """
        try:
            function, shared, argument = pickle.loads(message)
            self._shared = self._shared if shared is None else shared
            return pickle.dumps(function(self._shared, argument))
        except Exception as error:
            return pickle.dumps(Failure(error, format_exc()))


def serve(descriptor: int) -> None:
    """Answer messages of a socket until its other end is closed, also by a kill, and whatever is being computed then."""
    computer = Computer()
    with (
        suppress(OSError, EOFError, pickle.UnpicklingError),
        socket.socket(fileno=descriptor) as end,
        end.makefile("rwb") as stream,
    ):
        # A thread computes, and imports what it needs for that: this one has time.
        pool = ThreadPoolExecutor(1)
        while True:
            answer = pool.submit(computer.answer, pickle.load(stream))
            while not wait([answer], BEAT_S).done:
                pickle.dump(None, stream)
                stream.flush()
            pickle.dump(answer.result(), stream)
            stream.flush()
    os._exit(0)
