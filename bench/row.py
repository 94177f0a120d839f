"""One figure of a benchmark: what was measured, its spread, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`samples` are what was measured; the median counts. `goal` is an upper bound, or None for information."""

    name: str
    unit: str
    samples: tuple[float, ...]
    goal: float | None = None

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.samples)

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.goal is None or self.median <= self.goal

    def as_text(self) -> str:
        """A line for people."""
        low, high = min(self.samples), max(self.samples)
        spread = f" ({low:.4g} to {high:.4g}, {len(self.samples)} samples)" if len(self.samples) > 1 else ""
        goal = "" if self.goal is None else f"  goal <= {self.goal:g}: {'met' if self.met else 'MISSED'}"
        return f"{self.name:<58} {self.median:>9.4g} {self.unit}{spread}{goal}"

    def as_dict(self) -> dict[str, object]:
        """A line for programs."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.samples),
            "max": max(self.samples),
            "samples": len(self.samples),
            "goal": self.goal,
            "met": self.met,
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Round by round, so that a machine that slows down slows both."""
    return tuple(a / b for a, b in zip(ours, theirs, strict=True))
