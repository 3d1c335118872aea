"""The emulated cloud: what exists, kept in one SQLite file that outlives every process, also a killed one.

A row is written before the engine is told of it, as in a real cloud: so a provider that dies in between leaves a
resource that no state knows. Secrets are not kept: only that there was one.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.graph import Asset, Encrypted, Secret, Unknown, Value

FILE = "cloud.sqlite"
_RELEASED = "guards-released"  # a file: deletion protection was switched off
NOT_KEPT = "[secret, not kept]"  # stands where a secret was
BROKEN = "__broken"  # beside the outputs of what exists and does not work, where no output of its own says so
_PATIENCE_S = 60.0  # three providers write to one file

_TABLES = """
CREATE TABLE IF NOT EXISTS resources (
    type TEXT NOT NULL, id TEXT NOT NULL, urn TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL,
    revision INTEGER NOT NULL, cluster TEXT NOT NULL, PRIMARY KEY (cluster, type, id));
CREATE TABLE IF NOT EXISTS calls (
    place INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
    id TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS matches (fault INTEGER PRIMARY KEY, seen INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """One resource that the cloud has."""

    type: str
    id: str
    urn: str  # of the program's resource that it was made for; a real cloud does not know this
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    revision: int  # 1 when created, one more with every update
    cluster: str = ""  # of Kubernetes that it is in: each has names of its own; empty for what is in none


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One change that was asked of the cloud, and what came of it."""

    method: str
    type: str
    name: str
    id: str
    outcome: str  # "done", or the fault that was injected, or what the cloud refused


def release_guards(folder: Path) -> None:
    """Switch deletion protection off in the cloud in *folder*, as its owner does with the cloud's own tools."""
    (folder / _RELEASED).touch()


class AlreadyExists(Exception):
    """The cloud has a resource of this type and id, in the same cluster if it is in one."""


class Cloud:
    """The emulated cloud in one folder; safe to use from many threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Open the cloud in *folder*, empty where there is none yet."""
        self._folder, self._lock = folder, threading.Lock()
        self._connection = sqlite3.connect(
            folder / FILE, timeout=_PATIENCE_S, check_same_thread=False, isolation_level=None
        )
        with self._changing():
            for statement in filter(str.strip, _TABLES.split(";")):
                self._connection.execute(statement)

    @property
    def guards_are_released(self) -> bool:
        """Whether deletion protection was switched off everywhere."""
        return (self._folder / _RELEASED).exists()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One change: all of it is in the file when the block ends, or nothing."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def create(
        self,
        *,
        type_: str,
        id_: str,
        urn: str,
        inputs: Mapping[str, Value],
        outputs: Mapping[str, Value],
        cluster: str = "",
    ) -> None:
        """
        Make a resource.

        Raises:
            AlreadyExists: If there is one of this type and id, in this cluster if it is in one.
        """
        row = (type_, id_, urn, _written(inputs), _written(outputs), cluster)
        with self._changing() as connection:
            try:
                connection.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, 1, ?)", row)
            except sqlite3.IntegrityError:
                raise AlreadyExists(f"{type_} {id_}") from None

    def update(
        self, *, type_: str, id_: str, inputs: Mapping[str, Value], outputs: Mapping[str, Value], cluster: str = ""
    ) -> bool:
        """Change a resource; False where there is none."""
        with self._changing() as connection:
            changed = connection.execute(
                "UPDATE resources SET inputs = ?, outputs = ?, revision = revision + 1"
                " WHERE cluster = ? AND type = ? AND id = ?",
                (_written(inputs), _written(outputs), cluster, type_, id_),
            )
            return changed.rowcount == 1

    def delete(self, *, type_: str, id_: str, cluster: str = "") -> bool:
        """Remove a resource; False where there is none: then it is gone already, which is as well."""
        with self._changing() as connection:
            gone = connection.execute(
                "DELETE FROM resources WHERE cluster = ? AND type = ? AND id = ?", (cluster, type_, id_)
            )
            return gone.rowcount == 1

    def find(self, *, type_: str, id_: str, cluster: str = "") -> Existing | None:
        """The resource of this type and id, if there is one."""
        with self._lock:
            row = self._connection.execute(
                "SELECT * FROM resources WHERE cluster = ? AND type = ? AND id = ?", (cluster, type_, id_)
            ).fetchone()
        return None if row is None else _existing(row)

    def existing(self) -> tuple[Existing, ...]:
        """All resources, by cluster, type and id."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM resources ORDER BY cluster, type, id").fetchall()
        return tuple(map(_existing, rows))

    def record(self, call: Call) -> None:
        """Remember that *call* was made."""
        row = (call.method, call.type, call.name, call.id, call.outcome)
        with self._changing() as connection:
            connection.execute("INSERT INTO calls (method, type, name, id, outcome) VALUES (?, ?, ?, ?, ?)", row)

    def calls(self) -> tuple[Call, ...]:
        """Every change that was asked for, in order."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT method, type, name, id, outcome FROM calls ORDER BY place"
            ).fetchall()
        return tuple(Call(method=row[0], type=row[1], name=row[2], id=row[3], outcome=row[4]) for row in rows)

    def matched(self, fault: int) -> int:
        """How often the fault number *fault* was met, this time included; counted across processes."""
        with self._changing() as connection:
            connection.execute(
                "INSERT INTO matches VALUES (?, 1) ON CONFLICT (fault) DO UPDATE SET seen = seen + 1", (fault,)
            )
            return int(connection.execute("SELECT seen FROM matches WHERE fault = ?", (fault,)).fetchone()[0])

    def forget_matches(self) -> None:
        """Count every fault from nought again."""
        with self._changing() as connection:
            connection.execute("DELETE FROM matches")


def _existing(row: tuple[str, str, str, str, str, int, str]) -> Existing:
    return Existing(
        type=row[0],
        id=row[1],
        urn=row[2],
        inputs=json.loads(row[3]),
        outputs=json.loads(row[4]),
        revision=row[5],
        cluster=row[6],
    )


def _written(values: Mapping[str, Value]) -> str:
    return json.dumps({key: _plain(value) for key, value in values.items()}, sort_keys=True)


def _plain(value: Value) -> object:
    """*value* as JSON has it; of a secret, that it is one."""
    match value:
        case Secret():
            return NOT_KEPT
        case Asset():
            return {"asset": value.hash}
        case Unknown() | Encrypted():
            return None
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
