"""Where the spikes of a written neuron are in a run of its module: which of the comparisons in it, and in what layout."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from frontend.function_rules import function_name
from frontend.neuron_rules.table import neuron_rule
from frontend.recording.layout import FEATURE, Axis, Dim
from frontend.tracing.written.comparisons import is_firing

_SITE = re.compile(r"^(?:(.*)\.)?fires\[(\d+)::(\d+)\](~?)(?:@([tb*\d.,]+))?(?:#(\d+):(\d+):(\d+))?$")
USUAL = ("", "t,b", "t.b")
"""Layouts of a whole window that need no word: (T, B, ...), (T B, ...)."""
ONE_STEP = "b"
"""That of single steps, (B, ...); what is compared once, and has no time, says it."""
UNKNOWN = -1.0
"""In place of the spikes of steps that are not compared."""


def site_path(
    path: str,
    ordinals: Sequence[int],
    total: int,
    below: bool = False,
    dims: Sequence[Dim] = (),
    steps: int = 1,
    taken: Sequence[int] = (),
) -> str | None:
    """
    The provenance of a site: its module's path, and which comparisons in it; None where they follow no stride.

    Args:
        below: they return the complement of the spikes, which `~` says.
        dims: of what one of them returns; an unusual order of time and batch is said behind `@`. steps: of a window.
        taken: the steps that they are, where they are single ones; others than all in order are said behind `#`.
    """
    layout = _layout(dims)
    some = list(taken) not in ([], list(range(steps)))
    usual = layout in USUAL or (layout == ONE_STEP and (len(ordinals) > 1 or steps == 1 or some))
    if list(ordinals) == list(range(total)) and not below and usual and not some:
        return path
    if not _is_regular(ordinals) or (some and not _is_regular(taken)):
        return None
    stride = ordinals[1] - ordinals[0] if len(ordinals) > 1 else total
    told = f"{'~' * below}{'' if usual else f'@{layout}'}"
    if some:
        told += f"#{taken[0]}:{taken[-1] + 1}:{taken[1] - taken[0] if len(taken) > 1 else 1}"
    return f"{path}.fires[{ordinals[0]}::{stride}]{told}".lstrip(".")


def _is_regular(numbers: Sequence[int]) -> bool:
    """Whether numbers rise by one stride."""
    strides = {after - before for before, after in pairwise(numbers)}
    return not strides or (len(strides) == 1 and min(strides) > 0)


def _layout(dims: Sequence[Dim]) -> str:
    """
    Where time and batch are in a tensor, dimension by dimension: `b,*,t` for (B, C, T), `b.t` for (B T, ...).

    Dimensions of features are `*`, features in one dimension with time or batch their number: `*,b.8` for (T, B 8).
    """
    texts = ["*" if all(axis.kind == FEATURE for axis in dim) else ".".join(map(_letter, dim)) for dim in dims]
    return ",".join(texts).rstrip(",*")


def _letter(axis: Axis) -> str:
    return str(axis.size) if axis.kind == FEATURE else axis.kind[0]


def _in_order(spikes: torch.Tensor, layout: str, steps: int) -> torch.Tensor:
    """What one comparison returns, time and batch brought to the front; `steps`: of time, where it has an axis."""
    dims = [dim.split(".") for dim in layout.split(",")]
    for place, axes in reversed(list(enumerate(dims))):
        if len(axes) > 1:
            spikes = spikes.unflatten(place, [steps if a == "t" else -1 if a == "b" else int(a) for a in axes])
    letters = [axis for axes in dims for axis in axes]
    outer = [letters.index(kind) for kind in "tb" if kind in letters]
    return spikes.movedim(outer, list(range(len(outer))))


def path_of(module: nn.Module, paths: Mapping[int, str], parent: str) -> str:
    """The path of a module that runs; one that is no part of the network, by `paths`, is called after its class, in `parent`."""
    return paths.get(id(module), f"{parent}.{type(module).__name__}".lstrip("."))


class FiredRecord(TorchFunctionMode):
    """What every comparison of a module emits in one run, in order; comparisons inside of neurons of frameworks apart."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
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
        return [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave)]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.in_neuron and is_firing(function_name(func)):
            self._fired.setdefault(self.path, []).append(result)
        return result

    def spikes(self, path: str, steps: int) -> torch.Tensor | None:
        """The spikes of the site with that provenance, (T, B, ...), or `UNKNOWN`; None where nothing was compared there."""
        found = _SITE.match(path)
        module, first, stride = (found[1] or "", int(found[2]), int(found[3])) if found else (path, 0, 1)
        some = range(*(int(found[place]) for place in (6, 7, 8))) if found and found[6] else None
        fired = self._fired.get(module, [])[first::stride][: steps if some is None else len(some)]
        if not fired:
            return None
        layout = (found[5] or "") if found else ""
        fired = [_in_order(each, layout, steps) for each in fired] if layout else fired
        at_once = "t" in layout or (not layout and some is None and len(fired) == 1 and steps > 1)
        spikes = (fired[0] if at_once else torch.stack(fired)).float()
        spikes = 1 - spikes if found and found[4] else spikes
        if some is not None:
            whole = torch.full((steps, *spikes.shape[1:]), UNKNOWN)
            whole[list(some)] = spikes
            return whole
        return spikes.expand(steps, *spikes.shape[1:]) if len(fired) == 1 and not at_once else spikes

    def counts(self, samples: int) -> Counter[tuple[str, torch.Size]]:
        """(path of a module, shape of one sample) -> how often it compared so many samples of it."""
        return Counter(
            (path, each.shape[1:])
            for path, fired in self._fired.items()
            for each in fired
            if each.shape[:1] == (samples,)
        )

    def _enter(self, module: nn.Module, _args: Any) -> None:
        self._stack.append(path_of(module, self._paths, self.path))
        self.in_neuron += bool(self.in_neuron) or neuron_rule(module) is not None

    def _leave(self, _module: nn.Module, _args: Any, _result: Any) -> None:
        self._stack.pop()
        self.in_neuron -= bool(self.in_neuron)
