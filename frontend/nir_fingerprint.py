"""Which framework wrote a NIR file. Only what is certain decides anything; the rest is said to the user as a lint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontend.nir_network import NirNetwork


def certain_reading(network: NirNetwork) -> tuple[str, Mapping[str, Any]]:
    """The framework that certainly wrote the file and the options that follow from it; ("", {}) where it is not certain."""
    return "", {}
