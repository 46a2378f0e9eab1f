"""
The chip's plain neurons as Triton kernels: currents in as a product left them, spikes or payloads and their number out.

Numbers are of the dtype of `constants`, in which every intermediate is exact; the caller proves that
(`backends.reference.run.populations`), so that neither fused multiplications nor the order of anything can round. Neurons lie as
(rows, period): column p of all rows has the bias shifts[p] and fires above levels[p]. A program has a tile of them over all
steps, its state in registers.
Annotations are no strings here (no import from `__future__`): Triton's interpreter reads them.
"""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false

import triton
import triton.language as tl


@triton.jit
def lif(
    x,
    step_stride,
    row_stride,
    shifts,
    levels,
    constants,
    spikes,
    spikes_stride,
    counts,
    rows,
    period,
    STEPS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    COUNTERS: tl.constexpr,
):
    """
    v <- clip(trunc(v keep) + gain x + shift) to +-most;  s = [v > level];  v <- 0 where s.

    x: currents (STEPS, rows, period) of any dtype, columns dense. constants: (gain, keep, most).
    spikes: uint8, dense, a step every spikes_stride. counts: (COUNTERS,) int64, the number of spikes is added, spread over them.
    """
    dtype = constants.dtype.element_ty
    gain, keep, most = tl.load(constants), tl.load(constants + 1), tl.load(constants + 2)
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (row < rows)[:, None] & (column < period)[None, :]
    shift = tl.load(shifts + column, mask=column < period, other=0)[None, :]
    threshold = tl.load(levels + column, mask=column < period, other=0)[None, :]
    source = x + row[:, None] * row_stride + column[None, :]
    target = spikes + row[:, None] * period + column[None, :]
    zero = tl.zeros((ROWS, COLUMNS), dtype)
    v = zero
    fired = tl.zeros((ROWS, COLUMNS), tl.int32)
    for _ in range(STEPS):
        current = tl.load(source, mask=inside, other=0).to(dtype)
        decayed = v * keep
        u = tl.where(decayed < 0, tl.math.ceil(decayed), tl.math.floor(decayed)) + current * gain + shift
        u = tl.minimum(tl.maximum(u, -most), most)
        spike = (u > threshold) & inside
        tl.store(target, spike.to(tl.uint8), mask=inside)
        fired += spike.to(tl.int32)
        v = tl.where(spike, zero, u)
        source += step_stride
        target += spikes_stride
    total = tl.sum(tl.sum(fired, axis=1), axis=0)
    tl.atomic_add(counts + (tl.program_id(0) + tl.program_id(1)) % COUNTERS, total.to(tl.int64))


@triton.jit
def wrapping(
    x,
    step_stride,
    row_stride,
    shifts,
    levels,
    constants,
    spikes,
    spikes_stride,
    counts,
    rows,
    period,
    STEPS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    COUNTERS: tl.constexpr,
):
    """
    u <- wrap(trunc(u keep_u) + gain x);  v <- clip(trunc(v keep_v) + u + shift);  s = [v > level];  v <- 0 where s.

    Arguments as in `lif`; constants: (gain, keep_u, keep_v, half), u in (-half, half], v in (-half, half).
    """
    dtype = constants.dtype.element_ty
    gain, keep_u, keep_v = tl.load(constants), tl.load(constants + 1), tl.load(constants + 2)
    half = tl.load(constants + 3)
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (row < rows)[:, None] & (column < period)[None, :]
    shift = tl.load(shifts + column, mask=column < period, other=0)[None, :]
    threshold = tl.load(levels + column, mask=column < period, other=0)[None, :]
    source = x + row[:, None] * row_stride + column[None, :]
    target = spikes + row[:, None] * period + column[None, :]
    zero = tl.zeros((ROWS, COLUMNS), dtype)
    u = zero
    v = zero
    fired = tl.zeros((ROWS, COLUMNS), tl.int32)
    for _ in range(STEPS):
        decayed = u * keep_u
        u = tl.where(decayed < 0, tl.math.ceil(decayed), tl.math.floor(decayed))
        u += tl.load(source, mask=inside, other=0).to(dtype) * gain
        u = tl.where(u > half, u - 2 * half, u)
        u = tl.where(u <= -half, u + 2 * half, u)
        decayed = v * keep_v
        v = tl.where(decayed < 0, tl.math.ceil(decayed), tl.math.floor(decayed)) + u + shift
        v = tl.minimum(tl.maximum(v, 1 - half), half - 1)
        spike = (v > threshold) & inside
        tl.store(target, spike.to(tl.uint8), mask=inside)
        fired += spike.to(tl.int32)
        v = tl.where(spike, zero, v)
        source += step_stride
        target += spikes_stride
    total = tl.sum(tl.sum(fired, axis=1), axis=0)
    tl.atomic_add(counts + (tl.program_id(0) + tl.program_id(1)) % COUNTERS, total.to(tl.int64))


@triton.jit
def payloads(
    x,
    row_stride,
    shifts,
    constants,
    gates,
    values,
    counts,
    rows,
    period,
    GATED: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    COUNTERS: tl.constexpr,
):
    """
    y = clip(floor((scale x + shift) gain)) to low..high, zero where a gate is 0.

    x: (rows, period) as in `lif`. constants: (scale, gain, low, high). gates: of 0 and 1, dense, read where GATED. values: dense.
    """
    dtype = constants.dtype.element_ty
    scale, gain = tl.load(constants), tl.load(constants + 1)
    low, high = tl.load(constants + 2), tl.load(constants + 3)
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (row < rows)[:, None] & (column < period)[None, :]
    shift = tl.load(shifts + column, mask=column < period, other=0)[None, :]
    place = row[:, None] * period + column[None, :]
    current = tl.load(x + row[:, None] * row_stride + column[None, :], mask=inside, other=0).to(dtype)
    y = tl.minimum(tl.maximum(tl.math.floor((current * scale + shift) * gain), low), high)
    if GATED:
        y = tl.where(tl.load(gates + place, mask=inside, other=0) != 0, y, tl.zeros((ROWS, COLUMNS), dtype))
    tl.store(values + place, y.to(values.dtype.element_ty), mask=inside)
    active = ((y != 0) & inside).to(tl.int32)
    total = tl.sum(tl.sum(active, axis=1), axis=0)
    tl.atomic_add(counts + (tl.program_id(0) + tl.program_id(1)) % COUNTERS, total.to(tl.int64))
