"""When something is asked: the hours of a day, and the days of a calendar. Days and hours are those of UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

HOURS_PER_DAY = 24
FLEX_START_DAYS = 7  # Google Cloud takes flex-start machines back after so many. Source: "About Flex-start VMs", 2026


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPart:
    """Some hours of every day, and the share of the peak that arrives in them."""

    from_h: int  # 0 to 23
    until_h: int  # 1 to 24, not part of it
    share: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole days of a calendar."""

    start: date
    until: date  # the first day that is not part of it

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.start).days

    @property
    def hours(self) -> int:
        """How many hours it has."""
        return self.days * HOURS_PER_DAY

    def holds(self, other: Window) -> bool:
        """Whether every day of *other* is one of it."""
        return self.start <= other.start and other.until <= self.until
