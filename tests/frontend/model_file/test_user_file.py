"""A user's file as a module: its name, its package, its errors, and its forward passes wherever they are called."""

from __future__ import annotations

import pickle
import random
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import ir
from frontend.model_file.user_file import UserFile, run_file
from ir.errors import CompileError


def run(root: Path, name: str) -> UserFile:
    return run_file(root / name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("net.py", "net"),
        ("my-net.py", "model_file_my_net"),
        ("net.v2.py", "model_file_net_v2"),
        ("random.py", "model_file_random"),
        ("torch.py", "model_file_torch"),
        ("__main__.py", "model_file___main__"),
        ("ir.py", "ir"),
        ("package/net.py", "package.net"),
        ("package/inner/net.py", "package.inner.net"),
        ("package/__init__.py", "package"),
    ],
)
def test_a_file_is_the_module_that_its_neighbours_would_import(folder, path: str, name: str) -> None:
    files = {"package/__init__.py": "", "package/inner/__init__.py": ""} if "/" in path else {}
    file = run(folder({**files, path: "import random, torch\nTORCH, RANDOM = torch.Tensor, random.Random"}), path)
    assert file.module.__name__ == name
    assert (torch.Tensor, random.Random) == (file.module.TORCH, file.module.RANDOM)
    with file.running():
        assert sys.modules[name] is file.module
    assert sys.modules.get(name) is not file.module


RELATIVE = "from .layers import WIDTH\nfrom . import layers\nfrom package.layers import DEPTH\nimport package.layers\n"


@pytest.mark.parametrize("init", ["", "from .net import WIDTH", "from package import net", "import package.net as net"])
@pytest.mark.parametrize("where", ["package", "outer/package"])
def test_relative_imports(folder, init: str, where: str) -> None:
    text = (
        RELATIVE
        if where == "package"
        else RELATIVE.replace("from package", "from outer.package").replace(
            "import package.layers", "import outer.package.layers"
        )
    )
    init = init.replace("package", where.replace("/", "."))
    files = {f"{where}/__init__.py": init, f"{where}/layers.py": "WIDTH, DEPTH = 3, 2", f"{where}/net.py": text}
    if "/" in where:
        files["outer/__init__.py"] = ""
    file = run(folder(files), f"{where}/net.py")
    assert (file.module.WIDTH, file.module.DEPTH, file.module.layers.WIDTH) == (3, 2, 3)


def test_a_package_that_does_not_load_is_no_obstacle_unless_it_is_needed(folder) -> None:
    files = {"package/__init__.py": "import no_such_thing", "package/layers.py": "WIDTH = 3"}
    root = folder(
        {**files, "package/net.py": "from layers import WIDTH", "package/other.py": "from .layers import WIDTH"}
    )
    assert run(root, "package/net.py").module.WIDTH == 3
    with pytest.raises(CompileError, match="no_such_thing"):
        run(root, "package/other.py")


def test_the_package_itself_may_be_the_file(folder) -> None:
    root = folder({"package/__init__.py": "from .layers import WIDTH", "package/layers.py": "WIDTH = 3"})
    file = run(root, "package/__init__.py")
    assert file.module.WIDTH == 3
    with file.running():
        assert sys.modules["package.layers"] is file.module.layers


@pytest.mark.parametrize("where", ["", "package/"])
def test_a_file_beside_a_package_of_its_name(folder, where: str) -> None:
    files = {
        f"{where}net.py": "from net.layers import WIDTH",
        f"{where}net/__init__.py": "",
        f"{where}net/layers.py": "WIDTH = 3",
    }
    file = run(folder({**files, **({"package/__init__.py": ""} if where else {})}), f"{where}net.py")
    assert (file.module.WIDTH, file.module.__name__) == (3, "model_file_net")


def test_a_neighbour_may_import_the_file(folder) -> None:
    text = "T = 4\nclass Net: pass\nimport layers\n"
    file = run(folder({"net.py": text, "layers.py": "from net import T, Net"}), "net.py")
    assert file.module.layers.Net is file.module.Net


def test_a_file_that_is_run_again_is_fresh(folder) -> None:
    root = folder({"net.py": "from layers import WIDTH", "layers.py": "WIDTH = 3"})
    before = run(root, "net.py")
    (root / "layers.py").write_text("WIDTH = 44")
    assert run(root, "net.py").module.WIDTH == 44
    assert before.module.WIDTH == 3


def test_no_bytecode_is_left_or_read_in_place_of_a_change(folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    root = folder({"net.py": "from layers import WIDTH\nDEPTH = 1", "layers.py": "WIDTH = 3"})
    assert (run(root, "net.py").module.WIDTH, sys.dont_write_bytecode) == (3, False)
    for name, text in (("net.py", "from layers import WIDTH\nDEPTH = 2"), ("layers.py", "WIDTH = 4")):
        (root / name).write_text(text)
    module = run(root, "net.py").module
    assert (module.WIDTH, module.DEPTH) == (4, 2)
    assert sorted(path.name for path in root.iterdir()) == ["layers.py", "net.py"]


def test_pickles_name_classes_of_the_file_and_of_its_neighbours(folder) -> None:
    root = folder({"net.py": "class Net: pass\nimport layers\n", "layers.py": "class Layer: pass\n"})
    file = run(root, "net.py")
    with file.running():
        text = pickle.dumps([file.module.Net(), file.module.layers.Layer()])
    net, layer = file.call("load_weights", pickle.loads, text)
    assert type(net) is file.module.Net
    assert type(layer) is file.module.layers.Layer


def test_errors_name_file_function_and_line(folder) -> None:
    root = folder(
        {"net.py": "from layers import f, leave", "layers.py": "def f():\n    1 / 0\n\ndef leave():\n    exit(3)\n"}
    )
    file = run(root, "net.py")
    with pytest.raises(CompileError) as caught:
        file.call("build", file.module.f)
    assert caught.value.rule == "model.exception"
    assert caught.value.what == "build() raised ZeroDivisionError: division by zero"
    assert caught.value.hint == f"raised at {root / 'layers.py'}:2"
    with pytest.raises(CompileError, match="SystemExit: 3"):
        file.call("build", file.module.leave)
    with pytest.raises(CompileError) as caught:
        file.call("load", file.module.f, where=Path("w.pt"), rule="weights.fit")
    assert (caught.value.rule, caught.value.where) == ("weights.fit", "w.pt")


@pytest.mark.parametrize(
    "text", ["import sys\nsys.exit(3)", "raise SystemExit(3)", "import layers", "import layers.deep"]
)
def test_an_exit_while_the_file_is_run_is_an_error(folder, text: str) -> None:
    with pytest.raises(CompileError, match="importing the file raised"):
        run(folder({"net.py": text, "layers.py": "exit(3)"}), "net.py")


def test_an_interrupt_is_none(folder) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(folder({"net.py": "import layers", "layers.py": "raise KeyboardInterrupt"}), "net.py")


def test_a_neighbour_with_a_name_of_python_is_refused_by_name(folder) -> None:
    root = folder({"net.py": "from statistics import my_rate", "statistics.py": "def my_rate(): pass"})
    with pytest.raises(CompileError) as caught:
        run(root, "net.py")
    assert "the file statistics.py needs another name" in caught.value.hint


LAZY = """
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        from ir import VALUE
        if x is None:
            raise KeyboardInterrupt
        return x * VALUE

NET = Net()
"""


@pytest.fixture
def lazy(folder) -> UserFile:
    """A file whose forward imports its own `ir`."""
    return run(folder({"net.py": LAZY, "ir.py": "VALUE = 7"}), "net.py")


@pytest.mark.checkout
def test_forward_may_import_whoever_calls_it(lazy: UserFile) -> None:
    net = lazy.module.NET
    with lazy.running_in_forward([net]):
        assert sys.modules["ir"] is ir, "the compiler's own imports are not touched"
        assert net(torch.ones(2)).tolist() == [7, 7]
        with lazy.running_in_forward([net]):
            assert net(torch.ones(2)).tolist() == [7, 7]
        assert sys.modules["ir"] is ir
    with pytest.raises(ImportError):
        net(torch.ones(2))
    assert not net._forward_hooks
    assert not net._forward_pre_hooks


@pytest.mark.checkout
def test_a_forward_that_fails_or_is_interrupted_leaves_nothing(lazy: UserFile) -> None:
    net = lazy.module.NET
    with lazy.running_in_forward([net]):
        with pytest.raises(TypeError):
            net("x", "y", "z")
        assert sys.modules["ir"] is ir
    with pytest.raises(KeyboardInterrupt), lazy.running_in_forward([net]):
        net(None)
    assert sys.modules["ir"] is ir


@pytest.mark.checkout
def test_parts_in_each_other(lazy: UserFile) -> None:
    outer = nn.Sequential(lazy.module.NET, lazy.module.NET)
    with lazy.running_in_forward([outer, lazy.module.NET]):
        assert outer(torch.ones(1)).tolist() == [49]
        assert sys.modules["ir"] is ir
