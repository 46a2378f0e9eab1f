"""A user's Python file, and its functions run with care: with its neighbours at hand, what they raise as one error."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from frontend.model_file.user_modules import UserModules, is_settled
from frontend.user_errors import user_code
from ir.errors import CompileError, no_file

_NO_FILE = "name a Python file with build() and example()"


@dataclass(frozen=True)
class UserFile:
    """An executed file. Whatever runs code of it, does so within `running()`."""

    path: Path
    module: ModuleType = field(repr=False)
    _modules: UserModules = field(repr=False)

    @contextmanager
    def running(self) -> Generator[None]:
        """
        Let imports find the file's neighbours first, see `UserModules`.

        Modules of the compiler are out of sight meanwhile where a neighbour has their name, so this is for code of the file
        and nothing else. It may be entered again from within.
        """
        with self._modules.in_place(), _under_its_name(self.module):
            yield

    @contextmanager
    def running_in_forward(self, modules: Iterable[nn.Module]) -> Generator[None]:
        """
        Let the forward passes of `modules`, whoever calls them, happen within `running()`.

        This is for code of the compiler that calls networks: between the passes nothing is touched.
        """
        contexts: list[AbstractContextManager[None]] = []

        def enter(_module: nn.Module, _args: Any) -> None:
            context = self.running()
            context.__enter__()
            contexts.append(context)

        def leave(_module: nn.Module, _args: Any, _result: Any) -> None:
            if contexts:
                contexts.pop().__exit__(None, None, None)

        hooks = [
            hook
            for module in modules
            for hook in (
                module.register_forward_pre_hook(enter, prepend=True),
                module.register_forward_hook(leave, always_call=True),
            )
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            while contexts:  # after an interrupt, of which no hook is told
                contexts.pop().__exit__(None, None, None)

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: Any,
        where: Path | None = None,
        rule: str = "model.exception",
    ) -> Any:
        """Call a function of the file; what it raises becomes one error, which says `name` and lies at `where`, or the file."""
        with self.running(), user_code(f"{name}()", str(where or self.path), rule):
            return function(*arguments)

    def resolve(self, path: str | Path) -> Path:
        """A path as code of the file means it, which may have changed to another folder."""
        return Path(self._modules.current_folder or "", path)

    def broken(self, what: str, *, hint: str = "see the model contract: build, example, T") -> CompileError:
        """Make the error of a file that does not keep the contract."""
        return CompileError("model.contract", what, where=str(self.path), hint=hint)


def run_file(path: Path) -> UserFile:
    """
    Execute a Python file, as a module of the package that it lies in, if any.

    Raises:
        CompileError: it does not exist, does not parse, or raises.
    """
    if not path.is_file():
        raise CompileError("model.file", no_file(path), where=str(path), hint=_NO_FILE)
    importlib.invalidate_caches()
    name, folders = _module_name(path.resolve())
    modules = UserModules(folders)
    with modules.in_place(), user_code("importing the file", str(path)):
        try:
            return UserFile(path, _executed(name, path), modules)
        except SyntaxError as error:
            where = f"{error.filename}:{error.lineno}"
            raise CompileError("model.syntax", f"syntax error: {error.msg}", where=where) from error


def _module_name(path: Path) -> tuple[str, list[str]]:
    """What neighbours call the file, and the folders of these: the file's own, and that of the package that it lies in."""
    root, parts = path.parent, [] if path.stem == "__init__" else [path.stem]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    folders = list(dict.fromkeys([str(path.parent), str(root)]))
    taken = is_settled(parts[0]) or (path.with_suffix("") / "__init__.py").is_file()  # a package goes before a file
    usable = all(part.isidentifier() for part in parts) and not taken
    return ".".join(parts) if usable else "model_file_" + re.sub(r"\W", "_", path.stem), folders


def _executed(name: str, path: Path) -> ModuleType:
    earlier = sys.modules.get(name)
    if "." in name:
        with suppress(Exception, SystemExit):  # if the file needs its package, the error comes again
            importlib.util.find_spec(name)  # imports the package, which may import the file
    module = sys.modules.get(name)
    if module is not None and module is not earlier:
        return module
    package = [str(path.resolve().parent)] if path.stem == "__init__" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=package)
    if spec is None or spec.loader is None:
        raise CompileError("model.file", "not a Python file", where=str(path), hint=_NO_FILE)
    module = importlib.util.module_from_spec(spec)
    with _under_its_name(module):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _under_its_name(module: ModuleType) -> Generator[None]:
    """Let `sys.modules` have this module, and no other, under its name."""
    earlier = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.modules.pop(module.__name__, None)
        if earlier is not None:
            sys.modules[module.__name__] = earlier
