"""Our offline preview against the engine's own, step by step: every example stack, more than ten edits of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.diff.changes import Op
from tests.engine.parities import edits_of, line, previewed_twice, settled
from tests.engine.world import World
from tests.project import STACKS

_worlds: dict[str, World] = {}


def cases() -> list[object]:
    """Each edit of each stack, kept together by stack, so that each is deployed once."""
    return [
        pytest.param(stack, edit, marks=pytest.mark.xdist_group(stack), id=f"{stack}: {edit.name}")
        for stack in STACKS
        for edit in edits_of(stack)
    ]


@pytest.fixture
def deployed(stack: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which *stack* is deployed, made when it is first asked for."""
    if stack not in _worlds:
        _worlds[stack] = settled(tmp_path_factory.mktemp(stack), stack)
    return _worlds[stack]


@pytest.mark.parametrize(("stack", "edit"), cases())
def test_both_previews_tell_the_same(stack: str, edit, deployed: World, tmp_path: Path, record_property):
    """The same operation on the same resource for the same reasons, and the same refusals, or "not known offline"."""
    row = previewed_twice(deployed, stack, edit, tmp_path / "project")
    record_property("parity", line(row))  # a row of the table, for --junitxml=FILE -o junit_family=xunit1
    assert row.parity.differences == ()
    assert row.agrees, (row.refused_by_us, row.refused_by_engine)
    seen = any(step.op is not Op.SAME for step in row.engine)
    assert seen or (edit.may_be_silent and row.moved), "an edit that the engine does not see proves nothing"
