"""What a file says by how its numbers were made, and that no more is concluded than that."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.meaning.semantics_resolve import Reading, resolve
from frontend.nir.reading.reader import network_of
from ir.errors import CompileError


def resolved(taus: list[float], gains: list[float], **options: Any) -> Reading:
    n = len(taus)
    shape, zero, one = np.array([n]), np.zeros(n), np.ones(n)
    lif = nir.LIF(np.array(taus), np.array(gains), zero, one, zero)
    nodes = {"x": nir.Input({"input": shape}), "n": lif, "y": nir.Output({"output": shape})}
    network = network_of(nir.NIRGraph(nodes, [("x", "n"), ("n", "y")], type_check=False))
    return resolve(network, options or None)


def test_gains_of_tau_over_the_shared_step_say_the_step():
    found = resolved([1e-3, 5e-3], [10.0, 50.0])
    assert found.semantics.dt == 1e-4
    assert found.sources["dt"].startswith("fingerprint")
    assert found.sources["reset"] == "canonical"


def test_flags_and_presets_go_first():
    assert resolved([1e-3, 5e-3], [10.0, 50.0], dt=1e-3).semantics.dt == 1e-3
    assert resolved([1e-3, 5e-3], [10.0, 50.0], preset="norse").sources["dt"] == "preset norse"


@pytest.mark.parametrize("gains", [[1.0, 1.0], [10.0, 40.0], [1.0, 5.0]])
def test_other_gains_say_nothing(gains: list[float]):
    with pytest.raises(CompileError, match="time step"):
        resolved([1e-3, 5e-3], gains)
