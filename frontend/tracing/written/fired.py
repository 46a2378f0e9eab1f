"""Where the spikes of a written neuron are in a run of its module: which of the comparisons that run in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from frontend.function_rules import function_name
from frontend.neuron_rules.table import neuron_rule
from frontend.tracing.written.comparisons import is_firing

_SITE = re.compile(r"^(?:(.*)\.)?fires\[(\d+)::(\d+)\](~?)$")


def site_path(path: str, ordinals: Sequence[int], total: int, below: bool = False) -> str | None:
    """
    The provenance of a site: its module's path, and which comparisons in it; None where they follow no stride.

    Args:
        below: they return the complement of the spikes, which `~` says.
    """
    if list(ordinals) == list(range(total)) and not below:
        return path
    stride = ordinals[1] - ordinals[0] if len(ordinals) > 1 else total
    regular = list(range(ordinals[0], ordinals[0] + stride * len(ordinals), stride)) == list(ordinals)
    return f"{path}.fires[{ordinals[0]}::{stride}]{'~' * below}".lstrip(".") if regular else None


class FiredRecord(TorchFunctionMode):
    """What every comparison of a module emits in one run, in order; comparisons inside of neurons of frameworks apart."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._module = module
        self._fired: dict[str, list[torch.Tensor]] = {}
        self._stack: list[str] = []
        self.in_neuron = 0
        modules: list[tuple[str, nn.Module]] = list(module.named_modules(remove_duplicate=False))  # pyright: ignore
        self._paths = {id(child): path for path, child in reversed(modules)}

    @property
    def path(self) -> str:
        """Of the module that runs."""
        return self._stack[-1] if self._stack else ""

    def watch(self) -> list[RemovableHandle]:
        """Follow which module runs, until the handles are removed."""
        handles: list[RemovableHandle] = []
        for child in self._module.modules():
            handles.append(child.register_forward_pre_hook(self._enter))
            handles.append(child.register_forward_hook(self._leave))
        return handles

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.in_neuron and is_firing(function_name(func)):
            self._fired.setdefault(self.path, []).append(result)
        return result

    def spikes(self, path: str, steps: int) -> torch.Tensor | None:
        """The spikes of the site with that provenance, all steps; None where nothing was compared there."""
        found = _SITE.match(path)
        module, first, stride = (found[1] or "", int(found[2]), int(found[3])) if found else (path, 0, 1)
        fired = self._fired.get(module, [])[first::stride][:steps]
        if not fired:
            return None
        spikes = (fired[0] if len(fired) == 1 and steps > 1 else torch.stack(fired)).float()
        return 1 - spikes if found and found[4] else spikes

    def _enter(self, module: nn.Module, _args: Any) -> None:
        self._stack.append(self._paths[id(module)])
        self.in_neuron += bool(self.in_neuron) or neuron_rule(module) is not None

    def _leave(self, _module: nn.Module, _args: Any, _result: Any) -> None:
        self._stack.pop()
        self.in_neuron -= bool(self.in_neuron)
