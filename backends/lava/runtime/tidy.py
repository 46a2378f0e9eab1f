"""Takes back what Lava leaves behind: a log handler per process on the root logger, and a global list of processes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator

_LOGGERS = ("", "lava.magma.compiler.compiler")


@contextlib.contextmanager
def kept_loggers() -> Generator[None]:
    """Loggers have the handlers afterwards that they had before."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [list(logger.handlers) for logger in loggers]
    try:
        yield
    finally:
        for logger, handlers in zip(loggers, before, strict=True):
            logger.handlers[:] = handlers


@contextlib.contextmanager
def forgotten_processes() -> Generator[None]:
    """Lava processes made meanwhile are forgotten, so that their arrays can be freed; loggers are kept too."""
    from lava.magma.core.process.process import ProcessServer

    known = ProcessServer().processes
    count = len(known)
    with kept_loggers():
        try:
            yield
        finally:
            del known[count:]
