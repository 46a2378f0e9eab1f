"""Whose module a name means: the file's own neighbours first, the same to everybody else as before."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

import ir
from frontend.model_file import user_modules
from frontend.model_file.user_modules import UserModules

pytestmark = pytest.mark.checkout

OURS = ("backends", "compile", "frontend", "hw_profiles", "ir", "models")


def seen(modules: UserModules, name: str) -> ModuleType:
    """What code of the file imports under a name."""
    with modules.in_place():
        return importlib.import_module(name)


def value(modules: UserModules, name: str) -> object:
    return seen(modules, name).VALUE


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("kind", ["module", "package", "folder"])
def test_a_users_own_goes_before_the_compilers(folder, name: str, kind: str) -> None:
    importlib.import_module(name)
    files = {
        "module": {f"{name}.py": "VALUE = 7"},
        "package": {f"{name}/__init__.py": "", f"{name}/foo.py": "VALUE = 7"},
        "folder": {f"{name}/foo.py": "VALUE = 7"},
    }
    modules = UserModules([str(folder(files[kind]))])
    path = name if kind == "module" else f"{name}.foo"
    assert value(modules, path) == 7
    assert seen(modules, path) is seen(modules, path), "loaded once"


@pytest.mark.parametrize(
    "files", [{"models/foo.py": "VALUE = 7"}, {"models/__init__.py": "", "models/foo.py": "VALUE = 7"}]
)
def test_it_does_so_where_ours_is_not_loaded_yet(
    folder, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "models"]:
        monkeypatch.delitem(sys.modules, name)
    assert value(UserModules([str(folder(files))]), "models.foo") == 7


def test_the_compilers_are_seen_where_the_user_has_none(folder) -> None:
    modules = UserModules([str(folder({"ir_notes.py": "", "models.txt": ""}))])
    assert seen(modules, "ir.errors") is sys.modules["ir.errors"]
    assert seen(modules, "models.layers.neuron").lif


def test_where_all_packages_live_under_one_name_none_is_the_compilers() -> None:
    path = str(user_modules.__file__)
    spec = importlib.util.spec_from_file_location("house.frontend.model_file.user_modules", path)
    assert spec is not None
    installed = importlib.util.module_from_spec(spec)
    sys.modules[installed.__name__] = installed
    try:
        spec.loader.exec_module(installed)
    finally:
        del sys.modules[installed.__name__]
    assert frozenset() == installed._OWN_NAMES
    assert set(OURS) <= user_modules._OWN_NAMES


def test_two_files_with_neighbours_of_one_name_do_not_meet(folder) -> None:
    files = [UserModules([str(folder({"utils/__init__.py": "", "utils/depth.py": f"VALUE = {n}"}))]) for n in (1, 2)]
    first = [seen(file, "utils.depth") for file in files]
    assert [module.VALUE for module in first] == [1, 2]
    assert [seen(file, "utils.depth") for file in files] == first


def test_a_file_may_run_another_and_itself(folder) -> None:
    one, two = (UserModules([str(folder({"utils.py": f"VALUE = {n}"}))]) for n in (1, 2))
    with one.in_place():
        outer = importlib.import_module("utils")
        with two.in_place():
            assert importlib.import_module("utils").VALUE == 2
        with one.in_place():
            assert importlib.import_module("utils") is outer
        assert sys.modules["utils"] is outer
    assert "utils" not in sys.modules


def test_the_nearest_folder_is_first(folder) -> None:
    near, far = folder({"utils.py": "VALUE = 1"}), folder({"utils.py": "VALUE = 2", "more.py": "VALUE = 3"})
    modules = UserModules([str(near), str(far)])
    assert (value(modules, "utils"), value(modules, "more")) == (1, 3)


@pytest.mark.parametrize(("name", "loaded"), [("random", True), ("copy", True), ("timeit", False), ("colorsys", False)])
def test_a_name_of_the_standard_library_means_the_standard_library(
    folder, name: str, loaded: bool, monkeypatch
) -> None:
    if not loaded:
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = seen(UserModules([str(folder({f"{name}.py": "VALUE = 7"}))]), name)
    assert not hasattr(module, "VALUE")
    assert sys.modules[name] is module


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_a_loaded_library_with_compiled_code_is_not_loaded_twice(folder, name: str) -> None:
    modules = UserModules([str(folder({f"{name}.py": "VALUE = 7"}))])
    assert seen(modules, name) is sys.modules[name]


def test_a_folder_of_data_hides_no_library(folder, monkeypatch) -> None:
    modules = UserModules([str(folder({"networkx/graph.txt": "", "pytest/cases.txt": ""}))])
    assert seen(modules, "networkx").Graph
    assert seen(modules, "pytest") is pytest


def test_other_modules_of_a_users_name_are_set_aside(folder, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(folder({"helpers/__init__.py": "VALUE = 1", "helpers/deep.py": "VALUE = 1"})))
    theirs = importlib.import_module("helpers.deep")
    modules = UserModules([str(folder({"helpers/__init__.py": "VALUE = 2"}))])
    assert value(modules, "helpers") == 2
    with pytest.raises(ModuleNotFoundError):
        seen(modules, "helpers.deep")
    assert sys.modules["helpers.deep"] is theirs
    for name in ("helpers", "helpers.deep"):
        del sys.modules[name]


def test_what_the_program_has_imported_from_the_same_place_is_shared(folder, monkeypatch) -> None:
    root = folder({"shared/__init__.py": "", "shared/one.py": "VALUE = 1", "shared/two.py": "VALUE = 2"})
    monkeypatch.syspath_prepend(str(root))
    one = importlib.import_module("shared.one")
    modules = UserModules([str(root)])
    assert seen(modules, "shared.one") is one
    assert seen(modules, "shared.two") is importlib.import_module("shared.two")
    for name in ("shared", "shared.one", "shared.two"):
        del sys.modules[name]


def test_what_the_program_finds_as_well_stays_loaded(folder, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(folder({"some_library.py": "VALUE = 1"})))
    module = seen(UserModules([str(folder({}).parent)]), "some_library")
    assert sys.modules.pop("some_library") is module


def test_a_path_and_a_folder_that_the_file_has_set_are_kept_for_it(folder, tmp_path: Path) -> None:
    library = folder({"deep/inside.py": "VALUE = 9", "deep/__init__.py": ""})
    modules = UserModules([str(folder({"utils.py": ""}))])
    with modules.in_place():
        sys.path.insert(0, str(library))
        os.chdir(library)
    assert os.getcwd() != str(library)
    assert str(library) not in sys.path
    with modules.in_place():
        assert os.getcwd() == str(library)
        assert importlib.import_module("deep.inside").VALUE == 9
        os.chdir(tmp_path)
    assert modules.current_folder == str(tmp_path)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_errors_leave_nothing(folder, error: type[BaseException]) -> None:
    modules = UserModules([str(folder({"ir.py": "VALUE = 7"}))])

    def fail() -> None:
        with modules.in_place():
            assert importlib.import_module("ir").VALUE == 7
            os.chdir("/")
            sys.path.clear()
            sys.meta_path.pop(0)
            raise error

    with pytest.raises(error):
        fail()
    assert sys.modules["ir"] is ir
    assert value(modules, "ir") == 7


def test_a_folder_that_is_gone_is_no_error(folder) -> None:
    modules = UserModules([str(folder({})), "/no/such/folder", __file__])
    gone = folder({"x/y.txt": ""}) / "z"
    gone.mkdir()
    with modules.in_place():
        os.chdir(gone)
    gone.rmdir()
    with modules.in_place():
        assert os.getcwd() != str(gone)


def test_threads_take_turns(folder) -> None:
    files = [UserModules([str(folder({"utils.py": f"VALUE = {n}"}))]) for n in range(4)]

    def values(n: int) -> set[object]:
        found = set()
        for _ in range(25):
            with files[n].in_place():
                os.sched_yield()
                found.add(importlib.import_module("utils").VALUE)
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(values, range(4))) == [{0}, {1}, {2}, {3}]
