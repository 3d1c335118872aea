"""What fields of forms are made of: the rules of every form, and the types that several of them share."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from sizing.catalog.accelerator import Precision
from sizing.catalog.machine import Cloud
from sizing.spec.known import known_accelerator, known_machine, known_own_region, known_region, known_zone
from sizing.spec.mistake import mistake
from sizing.spec.schedule import HOURS_PER_DAY
from sizing.spec.wording import shown

HIGHEST_PRIORITY = 9
NAME = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"  # of a workload or a team
_Item = TypeVar("_Item")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T00:00:00Z)?", re.ASCII)


class Form(BaseModel):
    """Unknown keys are mistakes; text is no number; nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _whole(value: object) -> object:
    """An integer where a float is a whole number: JSON knows no difference between 8192 and 8192.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def one_or_more(value: object) -> object:
    """A list, also where one text is written alone."""
    return [value] if isinstance(value, str) else value


def unique(values: list[_Item]) -> list[_Item]:
    """The values, if none stands twice."""
    if twice := [value for position, value in enumerate(values) if value in values[:position]]:
        raise mistake(f"names {twice[0]} twice", "name each once")
    return values


def _day(value: object) -> object:
    """
    A day, however a reader of YAML hands it over.

    Ours keeps 2026-12-01 as text, others make a date of it, and the engine's (in Go) midnight of that day.
    """
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            pass
    raise mistake(f"is {shown(value)}, which is no day", "give year, month and day, for example 2026-12-01")


Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
# limits stand before the validator: those after it are checked all the same, but no editor is told of them
Count = Annotated[int, Field(gt=0), BeforeValidator(_whole)]
NotNegative = Annotated[int, Field(ge=0), BeforeValidator(_whole)]
StartHour = Annotated[int, Field(ge=0, le=HOURS_PER_DAY - 1), BeforeValidator(_whole)]
EndHour = Annotated[int, Field(ge=1, le=HOURS_PER_DAY), BeforeValidator(_whole)]
Priority = Annotated[int, Field(ge=1, le=HIGHEST_PRIORITY), BeforeValidator(_whole)]
CloudName = Annotated[Cloud, Field(strict=False)]
PrecisionName = Annotated[Precision, Field(strict=False)]
Region = Annotated[str, AfterValidator(known_region)]
OwnRegion = Annotated[str, AfterValidator(known_own_region)]
Zone = Annotated[str, AfterValidator(known_zone)]
AcceleratorName = Annotated[str, AfterValidator(known_accelerator)]
MachineName = Annotated[str, AfterValidator(known_machine)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
