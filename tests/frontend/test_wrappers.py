"""Wrapped networks compile as what is in them, and checkpoints of them load; what torch has made of a network is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.overrides import TorchFunctionMode

from compile import compile_model
from frontend.model_file.model_file import load_model_file
from frontend.wrappers import eagerly, network_of, state_of
from ir.errors import CompileError

SPIKES = (torch.rand(4, 2, 5, generator=torch.Generator().manual_seed(0)) < 0.5).float()


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 6), neuron.IFNode(v_threshold=0.3, step_mode="m"))


class Around(nn.Module):
    """A network with a compiled part, and a compiled function."""

    def __init__(self) -> None:
        super().__init__()
        self.part = torch.compile(network(), backend="eager")
        self.double = torch.compile(lambda x: 2 * x, backend="eager")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(self.double(x))


def compiled_in_place() -> nn.Module:
    module = network()
    module.compile(backend="eager")
    return module


WRAPPED: dict[str, Callable[[], nn.Module]] = {
    "several devices": lambda: nn.DataParallel(network()),
    "averaged": lambda: AveragedModel(network()),
    "compiled": lambda: torch.compile(network(), backend="eager"),  # type: ignore[dict-item]
    "compiled, for several devices": lambda: nn.DataParallel(torch.compile(network(), backend="eager")),  # type: ignore[arg-type]
    "compiled in place": compiled_in_place,
    "around a compiled one": Around,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_wrapped_compiles(name: str) -> None:
    module, inputs = WRAPPED[name](), SPIKES
    expected = network()(2 * SPIKES if name == "around a compiled one" else SPIKES)
    program = compile_model(module, "gpu", precision="float", example=inputs)
    (spikes,) = program.run(inputs).outputs.values()
    assert expected.any()
    assert torch.equal(torch.as_tensor(spikes), expected.detach())


def test_a_plain_network_is_itself() -> None:
    module = network().train()
    assert network_of(module) is module
    assert not module.training


def test_nothing_is_imported_where_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    with eagerly():
        assert "torch._dynamo" not in sys.modules


@torch.jit.script
def doubled(x: torch.Tensor, times: int = 1) -> torch.Tensor:
    return x * (2 * times)


def halved(x: torch.Tensor) -> torch.Tensor:
    return doubled(x) / 4


SCRIPTED = torch.jit.script(halved)
"""It calls another one."""
UNWRITTEN = torch.jit.CompilationUnit("def tripled(x):\n    return 3 * x\n").tripled
"""It was never a function of Python."""


class Heard(TorchFunctionMode):
    """The names of the functions that run, scripted ones as their class."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(getattr(func, "__name__", type(func).__name__))
        return func(*args, **(kwargs or {}))


def heard(function: Callable[..., torch.Tensor], *args: Any, **kwargs: Any) -> tuple[list[str], torch.Tensor]:
    with Heard() as mode:
        result = function(*args, **kwargs)
    return mode.names, result


def test_scripted_functions_run_as_they_were_written_where_somebody_watches() -> None:
    call, x = torch.jit.ScriptFunction.__call__, torch.ones(3)
    with eagerly():
        assert torch.jit.ScriptFunction.__call__ is not call
        for made, names, value in (
            (heard(doubled, x, times=2), ["mul"], 4 * x),
            (heard(SCRIPTED, x), ["mul", "div"], x / 2),
            (heard(torch.jit.trace(halved, x), x), ["mul", "div"], x / 2),
            (heard(UNWRITTEN, x), ["ScriptFunction"], 3 * x),
        ):
            assert (made[0], made[1].tolist()) == (names, value.tolist())
        assert torch.equal(SCRIPTED(x), x / 2)
    assert heard(SCRIPTED, x)[0] == []
    assert torch.jit.ScriptFunction.__call__ is call


def test_elsewhere_they_are_what_they_were() -> None:
    """Behind an error, within another such context, in other threads."""
    call, called = torch.jit.ScriptFunction.__call__, list[torch.Tensor]()
    with eagerly():
        with pytest.raises(KeyError), eagerly():
            raise KeyError
        assert torch.jit.ScriptFunction.__call__ is not call
        with Heard() as mode:
            thread = Thread(target=lambda: called.append(SCRIPTED(torch.ones(3))))
            thread.start()
            thread.join()
        assert (called[0].tolist(), mode.names) == ([0.5] * 3, [])
    assert torch.jit.ScriptFunction.__call__ is call


class Calling(nn.Module):
    """A neuron behind a scripted function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function, self.neurons = function, neuron.IFNode(v_threshold=0.3, step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.neurons(self.function(x))


@pytest.mark.parametrize("function", [SCRIPTED, doubled])
def test_networks_may_call_them(function: Any) -> None:
    expected = Calling(function)(SPIKES)
    (spikes,) = compile_model(Calling(function), "gpu", precision="float", example=SPIKES).run(SPIKES).outputs.values()
    assert expected.any()
    assert torch.equal(torch.as_tensor(spikes), expected)


def test_what_torch_keeps_no_code_of_is_refused_by_name() -> None:
    with pytest.raises(CompileError, match="the script tripled has no Python code") as caught:
        compile_model(Calling(UNWRITTEN), "gpu", example=SPIKES)
    assert caught.value.rule == "import.function"


def exported() -> Any:
    return torch.export.export(nn.Sequential(nn.Linear(5, 6), nn.ReLU()), (SPIKES,))


MADE: dict[str, Callable[[], Any]] = {
    "ExportedProgram": exported,
    "GraphModule": lambda: exported().module(),
    "RecursiveScriptModule": lambda: torch.jit.script(nn.Linear(5, 6)),
    "TopLevelTracedModule": lambda: torch.jit.trace(nn.Linear(5, 6), SPIKES),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MADE)
def test_what_torch_made_of_a_network_is_refused(kind: str) -> None:
    with pytest.raises(CompileError, match=f"a program of type {kind} no longer has") as caught:
        compile_model(MADE[kind](), "gpu", example=SPIKES)
    assert (caught.value.rule, "that it was made from" in caught.value.hint) == ("source.kind", True)


def test_so_it_is_where_a_model_file_builds_it(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE.format(wrapped="torch.jit.script(nn.Linear(5, 6))"))
    with pytest.raises(CompileError, match="a program of type RecursiveScriptModule no longer has") as caught:
        load_model_file(tmp_path / "net.py")
    assert caught.value.rule == "source.kind"


CHECKPOINTS: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "a state dict": lambda state: state,
    "of several devices": lambda state: {f"module.{name}": value for name, value in state.items()},
    "of both wrappers": lambda state: {f"module._orig_mod.{name}": value for name, value in state.items()},
    "averaged": lambda state: {"n_averaged": torch.tensor(3), **{f"module.{k}": value for k, value in state.items()}},
    "of a training": lambda state: {"epoch": 7, "optimizer": {"state": {}, "lr": 0.1}, "model": state},
    "of a training, of several devices": lambda state: {
        "net": {f"module.{name}": value for name, value in state.items()},
        "max_test_acc": 0.9,
    },
}
FILE = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 4

def build(config):
    return {wrapped}

def example(config, samples, seed):
    return torch.ones(T, samples, 5)
"""
PLAIN = "nn.Sequential(nn.Linear(5, 6), neuron.IFNode(v_threshold=0.3, step_mode='m'))"


@pytest.mark.parametrize("wrapped", [PLAIN, f"nn.DataParallel({PLAIN})"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_weights_are_found_in_a_checkpoint(name: str, wrapped: str, tmp_path: Path) -> None:
    state = network().state_dict()
    torch.save(CHECKPOINTS[name](state), tmp_path / "w.pt")
    (tmp_path / "net.py").write_text(FILE.format(wrapped=wrapped))
    loaded = load_model_file(tmp_path / "net.py", weights=tmp_path / "w.pt").parts["network"]
    assert isinstance(loaded, nn.Sequential)
    assert all(torch.equal(loaded.state_dict()[key], value) for key, value in state.items())


def test_what_fits_nowhere_stays_for_torch_to_tell() -> None:
    for content in ({"a": 1}, {"model": {"b": 2}}, [3], {}):
        assert state_of(content, {"weight"}) is content


def test_a_network_whose_own_names_begin_so_keeps_them() -> None:
    state = {"module.weight": 1}
    assert state_of(state, {"module.weight"}) == state
