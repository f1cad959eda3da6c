"""What a row found, held against what was promised."""

import math
from dataclasses import dataclass


@dataclass
class Figure:
    """One figure: `found` is to be at most, or at least, `bound`; without a bound it is only told."""

    name: str
    found: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self):
        below = self.at_most is None or self.found <= self.at_most
        above = self.at_least is None or self.found >= self.at_least
        return below and above

    def line(self, row):
        bound = ""
        if self.at_most is not None:
            bound = f"at most {self.at_most:,g}"
        if self.at_least is not None:
            bound = f"at least {self.at_least:,g}"
        told = f"{self.found:,.2f}" if isinstance(self.found, float) else f"{self.found:,}"
        verdict = "" if not bound else "held" if self.holds else "MISSED"
        return f"{row:<12} {self.name:<58} {told:>12} {self.unit:<6} {bound:<16} {verdict}".rstrip()


def part(values, share):
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * share) - 1))]
