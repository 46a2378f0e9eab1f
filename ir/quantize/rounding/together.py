"""
Rounds weights so that the current keeps its value, not every weight its own.

With M the mean products of the inputs (`ir.quantize.rounding.products`) a row's error e costs e M e'. As M = L L' for an upper
triangular L,

    e M e' = sum_k L_kk^2 (e_k + sum_{j < k} e_j U_jk)^2,    U_jk = L_jk / L_kk

so weight after weight is rounded to what makes its own term least, the inputs of most power first (Babai's nearest plane; in
quantisation GPTQ, arXiv 2210.17323, and LDLQ, arXiv 2307.13304). A row for which nearest rounding costs less keeps that.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from ir.graph import Array
from ir.quantize.weights import QuantizedArray

DAMPING = 0.01
"""Of the mean power, added to the power of every input: calibration has seen some rows only."""
FEWER = 3
"""Exponents below the least that holds the largest weight, which are tried."""


def round_together(
    weights: Array, unit: float, bits: int, exponents: Array, products: Array, fewer: int = FEWER
) -> QuantizedArray:
    """
    Weights as mantissas of `bits` bits, shifted left, that keep the currents on inputs of such products.

    Args:
        unit: real value of one integer. exponents: of every row, or () for one of all, the least at which no mantissa saturates.
        fewer: exponents below, which are taken where it costs less to cut the largest weights off.
    """
    top, matrix = 1 << (bits - 1), np.asarray(weights, np.float64).reshape(len(weights), -1).T
    mantissas, steps = mantissas_together(matrix, unit, (-top, top - 1), exponents, products, fewer)
    ideal = matrix / steps
    lost, power = float(np.sum(((mantissas - ideal) * steps) ** 2)), float(np.sum(matrix**2))
    integers = (mantissas * (steps / unit)).astype(np.int32)
    widest = min(int(integers.min(initial=0)), -1 - int(integers.max(initial=0)))
    integers = integers.astype(np.min_scalar_type(widest))
    saturated = int(np.count_nonzero(np.rint(ideal) != np.clip(np.rint(ideal), -top, top - 1)))
    largest = int(np.abs(mantissas).max(initial=0))
    return QuantizedArray(integers.T.reshape(weights.shape), saturated, sqrt(lost / power), largest)


def mantissas_together(
    matrix: Array, unit: float, bounds: tuple[int, int], exponents: Array, products: Array, fewer: int = FEWER
) -> tuple[Array, Array]:
    """(I, O) mantissas within bounds for (I, O) weights, and what 1 is in every column; otherwise see `round_together`."""
    exponents = _cheapest(matrix, unit, bounds, exponents, _damped(products).diagonal(), fewer)
    steps = unit * np.exp2(exponents) * np.ones(matrix.shape[1])
    return mantissas_of_steps(matrix, steps, bounds, products), steps


def mantissas_of_steps(matrix: Array, steps: Array, bounds: tuple[int, int], products: Array) -> Array:
    """(I, O) mantissas within bounds where 1 is `steps` (O,); every column together, or to the nearest where that costs less."""
    ideal, damped = matrix / steps, _damped(products)
    nearest = np.clip(np.rint(ideal), *bounds)
    together = _fed_back(ideal, damped, bounds) if damped.any() else nearest
    cheaper = current_power(together - ideal, products) < current_power(nearest - ideal, products)
    return np.where(cheaper, together, nearest)


def _damped(products: Array) -> Array:
    damped = products.astype(np.float64)
    damped[np.diag_indices_from(damped)] += DAMPING * damped.diagonal().mean()
    return damped


def _cheapest(
    matrix: Array, unit: float, bounds: tuple[int, int], exponents: Array, power: Array, most_fewer: int
) -> Array:
    """The exponents at which nearest rounding costs least, inputs taken as independent."""
    best, least = exponents, np.full(np.shape(exponents), np.inf)
    for fewer in range(most_fewer + 1):
        tried = np.maximum(exponents - fewer, 0)
        steps = unit * np.exp2(tried)
        cost = power @ (np.clip(np.rint(matrix / steps), *bounds) * steps - matrix) ** 2
        cost = cost if exponents.ndim else cost.sum()
        best, least = np.where(cost < least, tried, best), np.minimum(cost, least)
    return best


def _fed_back(ideal: Array, products: Array, bounds: tuple[int, int]) -> Array:
    """(I, O) mantissas, every one rounded to make up for those before it."""
    order = np.argsort(-products.diagonal(), kind="stable")
    back = np.linalg.cholesky(products[np.ix_(order, order)][::-1, ::-1])[::-1, ::-1]
    feedback = np.ascontiguousarray((back / back.diagonal()).T)
    wanted, errors = ideal[order], np.empty_like(ideal)
    for place, row in enumerate(wanted):
        rounded = np.rint(row + feedback[place, :place] @ errors[:place])
        errors[place] = row - np.clip(rounded, *bounds)
    mantissas = np.empty_like(ideal)
    mantissas[order] = wanted - errors
    return np.rint(mantissas)


def current_power(weights: Array, products: Array) -> Array:
    """w M w' of every column of weights: the mean square of its current, over samples, steps and places."""
    return np.einsum("io,io->o", weights, products @ weights)
