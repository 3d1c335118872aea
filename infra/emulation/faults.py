"""Faults that the emulated clouds are told to have: what fails, when, and in the words of the cloud.

`faults.json` in the rehearsal's folder lists them; every provider process reads it when it starts. How often a fault
was met is counted in the cloud's file, so that "the second one" means the second one over all processes.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from infra.failures import WrongInput

FILE = "faults.json"


class Fault(StrEnum):
    """What can go wrong in a cloud."""

    NO_CAPACITY = "no-capacity"  # none of these machines is free in the zone
    QUOTA_EXCEEDED = "quota-exceeded"  # the account may have fewer of them than are asked for
    QUOTA_ZERO = "quota-zero"  # the account may have none
    THROTTLED = "throttled"  # too many requests, and still too many after every retry
    THROTTLED_BRIEFLY = "throttled-briefly"  # too many requests for a moment: the provider's own retries get through
    CRASH = "crash"  # the provider's process dies after the cloud did the work, before it could say so
    PARTIAL = "partial"  # created, but not in working order


class Method(StrEnum):
    """What is asked of a cloud."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One fault: where it strikes. Patterns are those of file names: `aws:eks/*`, `p5-*`."""

    fault: Fault
    type: str = "*"
    name: str = "*"
    method: Method = Method.CREATE
    nth: int = 1  # the first so many that match are spared
    times: int | None = 1  # how many it then hits; None: all

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise WrongInput(f"{FILE}: nth and times of a fault are at least 1\n    hint: leave them out for the first")

    def concerns(self, method: Method, type_: str, name: str) -> bool:
        """Whether this fault may strike here."""
        return self.method is method and fnmatch.fnmatchcase(type_, self.type) and fnmatch.fnmatchcase(name, self.name)

    def strikes(self, seen: int) -> bool:
        """Whether it strikes the match number *seen*, from 1."""
        return seen >= self.nth and (self.times is None or seen < self.nth + self.times)


def write_faults(folder: Path, injections: Iterable[Injection]) -> None:
    """Have the clouds in *folder* fail so, from the next start of a provider on."""
    document = [asdict(injection) for injection in injections]
    (folder / FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_faults(folder: Path) -> tuple[Injection, ...]:
    """
    The faults listed in *folder*; none where there is no list.

    Raises:
        WrongInput: If the list cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        return tuple(_injection(entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        known = ", ".join(Fault)
        raise WrongInput(f"{path}: is no list of faults ({error})\n    hint: faults are {known}") from error


def _injection(entry: Mapping[str, object]) -> Injection:
    fields = dict(entry) | {"fault": Fault(str(entry["fault"])), "method": Method(str(entry.get("method", "create")))}
    return Injection(**fields)  # type: ignore[arg-type]
