"""How times are written: hours of a day with their share of the peak, and days of a calendar. All of them UTC."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from sizing.spec.fields import Day, EndHour, Form, Share, StartHour
from sizing.spec.mistake import mistake
from sizing.spec.schedule import HOURS_PER_DAY, DayPart, Window


class WindowForm(Form):
    """Whole days, from the first until the day after the last."""

    start: Annotated[Day, Field(alias="from", description="the first day, in UTC", examples=["2026-12-01"])]
    until: Annotated[
        Day,
        Field(
            description="the day on which it ends, in UTC: the first that is not part of it", examples=["2026-12-08"]
        ),
    ]

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> WindowForm:
        ends_after_it_starts(self.start.isoformat(), self.until.isoformat())
        return self

    @property
    def window(self) -> Window:
        """The days."""
        return Window(start=self.start, until=self.until)


def ends_after_it_starts(start: str, until: str) -> None:
    """Nothing, if the ISO day *until* is after *start*; else the mistake that says which way it is wrong."""
    if until < start:
        raise mistake(f"ends on {until}, before it starts on {start}", "correct one of them, or swap from and until")
    if until == start:
        raise mistake(f"ends on {until}, the day on which it starts", "give the first day that is not part of it")


class DayPartForm(Form):
    """Some hours of every day."""

    from_h: Annotated[StartHour, Field(description="the hour at which it starts, 0 to 23, in UTC", examples=[8])]
    until_h: Annotated[EndHour, Field(description="the hour at which it ends, 1 to 24, in UTC", examples=[20])]
    share: Annotated[Share, Field(description="the share of the peak that arrives then, 0 to 1", examples=[0.3])]

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> DayPartForm:
        start, end = self.from_h, self.until_h
        if start == end:
            raise mistake(f"starts and ends at {start} h", "give until_h of a later hour")
        if start > end:
            raise mistake(
                f"ends at {end} h, before it starts at {start} h",
                f"write a part that passes midnight as two: {start} to 24 h and 0 to {end} h",
            )
        return self

    @property
    def part(self) -> DayPart:
        """The part, as a value."""
        return DayPart(from_h=self.from_h, until_h=self.until_h, share=self.share)


def _whole_day(parts: list[DayPartForm]) -> list[DayPartForm]:
    """The parts of a day, sorted, if each hour lies in exactly one of them and one of them is the peak."""
    parts = sorted(parts, key=lambda part: (part.from_h, part.until_h))
    told = [sum(part.from_h <= hour < part.until_h for part in parts) for hour in range(HOURS_PER_DAY)]
    wrong = []
    if missing := [hour for hour, number in enumerate(told) if number == 0]:
        wrong.append(f"tells no share from {_hours(missing)}")
    if twice := [hour for hour, number in enumerate(told) if number > 1]:
        wrong.append(f"tells two shares from {_hours(twice)}")
    if wrong:
        raise mistake(" and ".join(wrong), "let each of the 24 hours lie in exactly one part")
    if (most := max(part.share for part in parts)) < 1:
        raise mistake(
            f"reaches {most:g} of the peak at most, and requests_per_s is what arrives at the peak",
            "give the busiest hours a share of 1, and requests_per_s as it is then",
        )
    return parts


def _hours(hours: Sequence[int]) -> str:
    """Hours of a day as runs: 0 to 8 h and 20 to 24 h."""
    starts = [hours[0], *(after for before, after in pairwise(hours) if after > before + 1)]
    ends = [*(before + 1 for before, after in pairwise(hours) if after > before + 1), hours[-1] + 1]
    return " and ".join(f"{start} to {end} h" for start, end in zip(starts, ends, strict=True))


DayForm = Annotated[list[DayPartForm], Field(min_length=1), AfterValidator(_whole_day)]
