"""What a deployment would do, as values: computed by diff.py, shown by the renderers, priced by cost.py.

No text for people is made here, and nothing here knows Pulumi's SDK. Secrets stay wrapped in `Secret` in every value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from components.graph import Graph, Resource, Value


class Op(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"  # taken over as it is: exists in the cloud, joins the state
    READ = "read"  # looked up by `.get()`, managed elsewhere
    SAME = "same"


class Replaces(StrEnum):
    """Whether a change forces a replacement; UNKNOWN is said as such, never guessed."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # in place or replacement: not known offline


class ChangeKind(StrEnum):
    """How one property differs between the two sides."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property of one resource that differs; *path* as in `spec.template.spec.containers[0].image`."""

    path: str
    old: Value  # None where kind is ADDED
    new: Value  # None where kind is REMOVED; Unknown where it is known only after apply
    kind: ChangeKind
    replaces: Replaces
    certain: bool = True  # False: cannot be compared here (an encrypted secret), it may be the same
    hidden: bool = False  # the program asks not to show it (hideDiff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    What happens to one resource, and why.

    `op` is REPLACE only where a replacement is certain; an UPDATE whose `replaces` is UNKNOWN may turn out to be one.
    """

    op: Op
    urn: str  # of the new resource; for a delete, of the old one
    type: str
    name: str
    old: Resource | None  # as the base records it
    new: Resource | None  # as the program wants it
    changes: tuple[PropertyChange, ...] = ()
    replaces: Replaces = Replaces.NO
    replace_reason: tuple[str, ...] = ()  # property paths, or a reason such as "provider", that force the replacement
    renamed_from: str | None = None  # URN in the base where an alias matched, and it differs from `urn`
    protected_error: str | None = None  # why the engine would refuse this step: protection, or another reason
    deletes_first: bool = False  # a replacement that deletes the old object before it makes the new one
    deleted_with: str | None = None  # URN of what takes the object along, so that nobody deletes it by itself
    retained: bool = False  # a delete or replacement that leaves the old object in the cloud (retainOnDelete)
    already_gone: bool = False  # a deletion that only forgets: an interrupted replacement deleted the object before
    pending_delete: bool = False  # the old half of an unfinished replacement, deleted by the next run

    @property
    def certain(self) -> bool:
        """False where the step may turn out to be no change at all, as its only differences cannot be compared."""
        return self.op is not Op.UPDATE or not self.changes or any(change.certain for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOperation:
    """An operation that an interrupted run left behind: what happened in the cloud is not known."""

    urn: str
    type: str
    operation: str  # creating, updating, deleting, reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChanges:
    """All that a deployment of *graph* on top of a base would do, in the order of the program, deletions last."""

    graph: Graph  # what the program wants
    base: Graph  # what is there; without resources where there is no base
    base_name: str  # "nothing", "state file prod.json", "git main (1a2b3c4)"
    steps: tuple[Step, ...]  # only what changes: no step has op SAME
    outputs: tuple[PropertyChange, ...] = ()  # changes of the stack's outputs
    pending: tuple[PendingOperation, ...] = ()
    notes: tuple[str, ...] = field(default=())  # what the base could not tell, one sentence each

    @property
    def counts(self) -> Mapping[Op, int]:
        """Steps by what they do; unchanged resources are not counted."""
        return Counter(step.op for step in self.steps)
