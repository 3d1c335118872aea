"""How our preview of each edit compares with the engine's: `python -m tests.engine.parities` prints the table.

Each stack is deployed once, by `sizeup up` on the real engine; each edit is then previewed by both over that state.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.apply import engine as pulumi
from infra.apply import flow
from infra.apply.engine import Told
from infra.apply.outcome import error_text
from infra.apply.parity import Parity
from infra.diff.changes import Step
from infra.preview.base import Deployed, resource_changes
from tests.engine.edits import ON_ANY_STACK, Edit, made_to_measure
from tests.engine.world import World, beside, world
from tests.project import STACKS

_REFUSED = 'resource "'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One edit of one stack, previewed twice."""

    stack: str
    edit: str
    moved: int  # resources whose URN the state does not have: an alias, or something new
    ours: tuple[Step, ...]
    engine: tuple[Step, ...]
    parity: Parity
    refused_by_us: frozenset[str]  # URNs that are protected, where the edit would destroy them
    refused_by_engine: frozenset[str]

    @property
    def agrees(self) -> bool:
        """
        True where nothing that was said for certain is otherwise, refusals included.

        The engine ends at the first things that it refuses: what it names is among what we name.
        """
        alike = bool(self.refused_by_us) == bool(self.refused_by_engine)
        return self.parity.agrees and alike and self.refused_by_engine <= self.refused_by_us


def settled(folder: Path, stack: str) -> World:
    """A world in *folder* where *stack* is deployed."""
    found = world(folder)
    ended = found.sizeup("up", stack, "--yes")
    assert ended.status == 0, ended.err
    return found


def edits_of(stack: str) -> tuple[Edit, ...]:
    """Every edit that is tried on *stack*."""
    return (*ON_ANY_STACK, *made_to_measure(stack))


def previewed_twice(whole: World, stack: str, edit: Edit, folder: Path) -> Row:
    """*edit* of *stack* in a copy of the project in *folder*, as both previews see it."""
    edited = beside(whole, folder)
    edit.change(edited.root, stack)
    base = flow.deployed(edited.engine, stack)
    assert isinstance(base, Deployed)
    changes = resource_changes(edited.root, stack, base)
    told = pulumi.previewed(edited.engine, stack)
    refused = frozenset(step.urn for step in changes.steps if step.protected_error is not None)
    return Row(
        stack=stack,
        edit=edit.name,
        moved=len({x.urn for x in changes.graph.resources} - {x.urn for x in changes.base.resources}),
        ours=changes.steps,
        engine=told.steps,
        parity=flow.beside(changes.steps, told, stack=stack),
        refused_by_us=refused,
        refused_by_engine=frozenset(_refused(told)),
    )


def _refused(told: Told) -> Iterator[str]:
    """The URNs in what the engine says about protected resources."""
    for line in error_text(told).split(_REFUSED)[1:]:
        yield line.partition('"')[0]


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown: what each side would do, and whether they agree."""
    head = [
        "| stack | edit | ours | engine | same | left open | not reached | differ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(line(row) for row in rows)])


def line(row: Row) -> str:
    """One row of the table."""
    refused = f", {len(row.refused_by_us)} refused" if row.refused_by_us else ""
    return (
        f"| {row.stack} | {row.edit} | {_counted(row.ours)}{refused} | {_counted(row.engine)} | {row.parity.same} "
        f"| {len(row.parity.open)} | {len(row.parity.unreached)} | {_differing(row)} |"
    )


def _counted(steps: Iterable[Step]) -> str:
    counts = Counter(step.op.value for step in steps)
    return ", ".join(f"{number} {op}" for op, number in sorted(counts.items())) or "no change"


def _differing(row: Row) -> str:
    found = [f"{x.name}: {x.ours} / {x.engine}" for x in row.parity.differences]
    if not (row.agrees or found):
        found.append(f"{len(row.refused_by_us)} / {len(row.refused_by_engine)} refused")
    return "; ".join(found) or "none"


def main(stacks: Iterable[str]) -> int:
    """Print the table of *stacks*; 1 where something differs."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="sizeup-parity-") as folder:
        for stack in stacks:
            whole = settled(Path(folder) / stack, stack)
            for place, edit in enumerate(edits_of(stack)):
                rows.append(previewed_twice(whole, stack, edit, Path(folder) / f"{stack}-{place}"))
                sys.stderr.write(f"{stack}, {edit.name}: {_differing(rows[-1])}\n")
    sys.stdout.write(table(rows) + "\n")
    return 0 if all(row.agrees for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or STACKS))
