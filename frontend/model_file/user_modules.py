"""
The modules that code of a user's file sees: its own neighbours first.

A process has one `sys.path` and one `sys.modules`, in which a user's `models/`, `ir.py` or `utils.py` would meet the
compiler's, or those of another model file. So both change hands for as long as code of the file runs. The first name of a module
path means then:

1. a module of the standard library, or a loaded library with compiled code (torch, numpy: they cannot be loaded twice), whatever
   lies beside the file;
2. else what lies in the file's folders: a module of that name from elsewhere is set aside meanwhile, and one that the program
   has imported from these very folders is shared;
3. else what the rest of the program would find.

Afterwards `sys.path`, `sys.modules` and the current folder are as before. What was loaded from the file's folders is kept for
the next time, and so are entries that the file adds to `sys.path` and the folder that it changes to. Code of two files never runs
at once; other threads of the program see the file's modules while it runs.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder
from pathlib import Path
from threading import RLock
from types import ModuleType

from frontend.current_folder import change_folder, current_folder

_FRONTEND = Path(__file__).parents[1]
_LOCK = RLock()


def _own_names() -> frozenset[str]:
    """The compiler's names at the top of a module path, as in a checkout; none where its packages live under one name."""
    if __name__.partition(".")[0] != _FRONTEND.name:
        return frozenset()
    return frozenset(folder.name for folder in _FRONTEND.parent.iterdir() if (folder / "__init__.py").is_file())


_OWN_NAMES = _own_names()


class UserModules:
    """The modules of one file; `folders`: where its neighbours lie, nearest first."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = self._path = list(folders)
        self._loaded: dict[str, ModuleType] = {}
        self.current_folder: str | None = None
        """The folder that code of the file has changed to, if any."""

    @contextmanager
    def in_place(self) -> Generator[None]:
        """Let imports find what the file means; it may be entered again from within, and other threads wait for their turn."""
        with _LOCK:
            if _IN_PLACE[-1:] == [self]:
                yield
                return
            before, replaced = _ProcessState.now(), self._replaced()
            finder = _Finder(before.path)
            _IN_PLACE.append(self)
            try:
                self._enter(replaced, finder)
                yield
            finally:
                _IN_PLACE.pop()
                self._leave(before, replaced, finder)

    def _replaced(self) -> set[str]:
        """Names of loaded modules for which the file's folders have others."""
        names = {name for folder in self._path for name in _names_in(folder)} & sys.modules.keys()
        return {name for name in names if self._replaces(name)}

    def _replaces(self, name: str) -> bool:
        spec = PathFinder.find_spec(name, self._path)
        if spec is None or (spec.loader is None and name not in _OWN_NAMES):
            return False  # a folder without __init__.py gives way to a package, as ever in Python, but not to ours
        return not _places(spec) <= _places(_spec(name)) and not is_settled(name)

    def _enter(self, replaced: set[str], finder: MetaPathFinder) -> None:
        for name in _loaded_under(replaced):
            del sys.modules[name]
        sys.modules.update({name: module for name, module in self._loaded.items() if _top(name) not in sys.modules})
        sys.path[:0] = self._path
        sys.meta_path.insert(0, finder)
        sys.dont_write_bytecode = (
            True  # it would lie among the user's files, and be read where one changes within a second
        )
        change_folder(self.current_folder)

    def _leave(self, before: _ProcessState, replaced: set[str], finder: MetaPathFinder) -> None:
        self._path = list(dict.fromkeys([*_added(sys.path, before.path), *self._folders]))
        sys.path[:] = before.path
        sys.dont_write_bytecode = before.dont_write_bytecode
        with suppress(ValueError):
            sys.meta_path.remove(finder)
        folder = current_folder()
        self.current_folder = None if folder == before.folder else folder
        change_folder(before.folder)
        fresh = {_top(name) for name in sys.modules.keys() - before.modules.keys()} - before.modules.keys()
        names = _loaded_under(replaced | {name for name in fresh if self._lies_here_only(name, before.path)})
        self._loaded = {name: sys.modules.pop(name) for name in names}
        if replaced:
            sys.modules.update({name: module for name, module in before.modules.items() if _top(name) in replaced})

    def _lies_here_only(self, name: str, outside: Sequence[str]) -> bool:
        """Whether a loaded module comes from the file's folders, and the rest of the program would not find it."""
        here = _places(PathFinder.find_spec(name, self._path))
        places = _places(_spec(name)) or here  # of a package that is the file itself, only what is in it is left by now
        return bool(places & here) and not places <= _places(PathFinder.find_spec(name, outside))


_IN_PLACE: list[UserModules] = []
"""Whose modules are in place now, the last one's; a file's code may compile another file."""


@dataclass(frozen=True)
class _ProcessState:
    """What code of a file may change."""

    path: list[str]
    modules: dict[str, ModuleType]
    folder: str | None
    dont_write_bytecode: bool

    @staticmethod
    def now() -> _ProcessState:
        """The state as it is."""
        return _ProcessState(list(sys.path), dict(sys.modules), current_folder(), sys.dont_write_bytecode)


class _Finder(MetaPathFinder):
    """Finds the two kinds of modules that are not the first of their name on `sys.path`; `outside`: that without the file's."""

    def __init__(self, outside: Sequence[str]) -> None:
        self._outside = outside

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None:
            return None
        if fullname in sys.stdlib_module_names:
            return PathFinder.find_spec(fullname, self._outside)
        if fullname in _OWN_NAMES:  # a user's folder without __init__.py goes before our package
            return PathFinder.find_spec(fullname, _added(sys.path, self._outside))
        return None


def is_settled(name: str) -> bool:
    """Whether a name means the same module to the whole program, whatever lies in a file's folders."""
    loaders = [getattr(_spec(part), "loader", None) for part in _loaded_under({name})]
    compiled = any(isinstance(loader, ExtensionFileLoader) for loader in loaders)
    return name == "__main__" or name in sys.stdlib_module_names or compiled


def _top(name: str) -> str:
    return name.partition(".")[0]


def _loaded_under(names: Collection[str]) -> list[str]:
    """The loaded modules with these names, and those in them."""
    loaded = list(sys.modules) if names else []  # a copy: other threads may import
    return [name for name in loaded if _top(name) in names]


def _spec(name: str) -> ModuleSpec | None:
    return getattr(sys.modules.get(name), "__spec__", None)


def _places(spec: ModuleSpec | None) -> set[str]:
    """Where a module lies: its file, or its folders if it is a package without a file."""
    if spec is None:
        return set()
    places = [spec.origin] if spec.origin and spec.has_location else spec.submodule_search_locations or []
    return {os.path.realpath(place) for place in places}


def _names_in(folder: str) -> set[str]:
    """What a folder may have modules for."""
    try:
        return {_top(entry) for entry in os.listdir(folder or ".")}
    except OSError:  # no folder: an archive, or gone
        return set()


def _added(path: Sequence[str], outside: Sequence[str]) -> list[str]:
    """The entries of a path beyond those outside, which may be the same folders."""
    rest, added = Counter(outside), list[str]()
    for entry in reversed(path):
        if rest[entry]:
            rest[entry] -= 1
        else:
            added.append(entry)
    return added[::-1]
