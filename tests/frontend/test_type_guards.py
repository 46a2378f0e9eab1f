"""What a value is: dictionaries and their like, lists, tuples with and without names, arrays, single numbers of NumPy's."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from frontend.type_guards import is_array, is_list, is_mapping, is_scalar, is_tuple

GUARDS = {"mapping": is_mapping, "list": is_list, "tuple": is_tuple, "array": is_array, "scalar": is_scalar}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "mapping"),
        (OrderedDict(a=1), "mapping"),
        (MappingProxyType({}), "mapping"),
        ([], "list"),
        ((), "tuple"),
        (namedtuple("Pair", ("a", "b"))(1, 2), "tuple"),
        (np.ones(2), "array"),
        (np.array(1.0), "array"),
        (np.float32(1.0), "scalar"),
        (np.bool_(True), "scalar"),
        (np.str_("a"), "scalar"),
        (np.bytes_(b"a"), "scalar"),
        (nn.ModuleList(), ""),
        (torch.ones(2), ""),
        ("text", ""),
        (1.0, ""),
        (None, ""),
    ],
)
def test_a_value_is_of_one_kind(value: Any, kind: str) -> None:
    assert [name for name, guard in GUARDS.items() if guard(value)] == ([kind] if kind else [])
