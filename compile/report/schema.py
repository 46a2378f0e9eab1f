"""The version of report.json, for those who write it and those who read it."""

from __future__ import annotations

SCHEMA = "spike-compiler-report/3"
