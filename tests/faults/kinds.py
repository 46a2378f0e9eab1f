"""Every kind of fault, by name."""

from __future__ import annotations

from tests.faults import files, limits, user_code
from tests.faults.stops import interrupted, killed, orphaned, paused
from tests.faults.trial import Kind
from tests.faults.work import WORKS

KINDS: dict[str, Kind] = {
    **{f"{work}.kill": killed(work) for work in WORKS},
    **{f"{work}.interrupt": interrupted(work) for work in WORKS},
    **{f"{work}.stop": paused(work) for work in WORKS},
    **{f"{work}.process": orphaned(work) for work in ("loihi", "evaluate-local")},
    **files.KINDS,
    **user_code.KINDS,
    **limits.KINDS,
}
