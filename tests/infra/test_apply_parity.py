"""Two previews side by side: what counts as the same, what stays open, and what differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.apply.parity import parity, worse
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, Step

URN = "urn:pulumi:dev::shop::toy:storage/disk:Disk::data"


def step(op: Op, *changes: PropertyChange, **more: Any) -> Step:
    """A step on the disk."""
    reasons = tuple(change.path for change in changes if change.replaces is Replaces.YES)
    plain = Step(op=op, urn=URN, type="toy:storage/disk:Disk", name="data", old=None, new=None, changes=changes)
    return replace(plain, replace_reason=reasons if op is Op.REPLACE else (), **more)


def change(path: str, replaces: Replaces, *, certain: bool = True) -> PropertyChange:
    """A property that is not as it was."""
    return PropertyChange(path=path, old=1, new=2, kind=ChangeKind.CHANGED, replaces=replaces, certain=certain)


SIZE = change("size", Replaces.NO)
ZONE = change("zone", Replaces.YES)
KIND = change("kind", Replaces.UNKNOWN)


def test_equal_steps_are_the_same():
    """Also replacements for one reason, told at different depths."""
    deeper = change("zone.name", Replaces.YES)
    assert parity([step(Op.UPDATE, SIZE)], [step(Op.UPDATE, SIZE)]).same == 1
    assert parity([step(Op.REPLACE, ZONE)], [step(Op.REPLACE, deeper)]).same == 1
    assert parity([], []).agrees


@pytest.mark.parametrize("engine", [step(Op.UPDATE, KIND), step(Op.REPLACE, change("kind", Replaces.YES))])
def test_what_is_not_known_offline_agrees_with_either(engine: Step):
    """An update that may be a replacement is left open, and never a difference."""
    ours = step(Op.UPDATE, KIND, replaces=Replaces.UNKNOWN)
    found = parity([ours], [engine])
    assert (found.differences, found.open, found.same) == ((), (URN,), 0)


def test_what_is_not_known_offline_does_not_cover_what_was_said_for_certain():
    """The kind may force it; the size was said to change in place, so that a replacement for it is a difference."""
    ours = step(Op.UPDATE, KIND, SIZE, replaces=Replaces.UNKNOWN)
    engine = step(Op.REPLACE, change("size", Replaces.YES))
    assert [(found.ours, found.engine) for found in parity([ours], [engine]).differences] == [("update", "replace")]


@pytest.mark.parametrize(
    ("ours", "engine"),
    [
        ([step(Op.UPDATE, SIZE)], [step(Op.REPLACE, change("size", Replaces.YES))]),
        ([step(Op.REPLACE, ZONE)], [step(Op.UPDATE, ZONE)]),
        ([], [step(Op.DELETE)]),
        ([step(Op.DELETE)], []),
        ([step(Op.UPDATE, SIZE)], []),
        ([step(Op.CREATE)], [step(Op.IMPORT)]),
        ([step(Op.REPLACE, ZONE)], [step(Op.REPLACE, change("size", Replaces.YES))]),
    ],
)
def test_every_other_pair_differs(ours: list[Step], engine: list[Step]):
    """A certain word that the engine contradicts, in either direction."""
    assert len(parity(ours, engine).differences) == 1


def test_an_update_that_may_be_none_agrees_with_none():
    """A secret that cannot be compared offline."""
    ours = step(Op.UPDATE, change("password", Replaces.NO, certain=False))
    assert parity([ours], []).agrees


def test_a_leftover_is_paired_with_a_leftover():
    """A resource whose old half is still to be deleted, and that is updated too, has two steps on one URN."""
    ours = [step(Op.UPDATE, SIZE), step(Op.DELETE, pending_delete=True)]
    assert parity(ours, list(reversed(ours))).same == 2


def test_what_a_refused_preview_did_not_come_to_is_no_difference():
    """The engine ends early where something protected would go."""
    assert parity([step(Op.DELETE)], [], stopped=True).unreached == (URN,)
    assert not parity([], [step(Op.DELETE)], stopped=True).agrees


def test_only_destruction_that_ours_does_not_say_is_worse():
    """An update that ours took for none is a difference; a deletion is one that nobody has seen."""
    assert worse(parity([], [step(Op.UPDATE, SIZE)]).differences) == ()
    assert len(worse(parity([], [step(Op.DELETE)]).differences)) == 1
