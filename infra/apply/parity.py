"""Our preview against the engine's, step by step: what is done to which resource, and what forces a replacement.

"Not known offline" agrees with whatever the engine decides; everything that was said for certain must be so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from infra.diff import paths
from infra.diff.changes import Op, Replaces, Step
from infra.recorder.urns import parse
from infra.render.report import Difference

_NONE = Op.SAME.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How two previews of one deployment compare."""

    same: int  # steps that both have, of one kind, for the same reasons
    open: tuple[str, ...]  # URNs of steps of which ours said "not known offline", and the engine decided
    unreached: tuple[str, ...]  # URNs of steps of ours that the engine did not come to, as it refused before
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """True where nothing that was said for certain is otherwise."""
        return not self.differences


def parity(ours: Iterable[Step], engine: Iterable[Step], *, stopped: bool = False) -> Parity:
    """
    How the steps of our preview compare with those of the engine's.

    Args:
        ours: The steps of our preview.
        engine: Those of the engine's.
        stopped: Whether the engine ended early, as something protected would be destroyed: what it did not come to
            by then is no difference.
    """
    mine, its = _by_urn(ours), _by_urn(engine)
    same = 0
    undecided: list[str] = []
    unreached: list[str] = []
    differences: list[Difference] = []
    for urn in dict.fromkeys([*mine, *its]):
        for my_step, its_step in _paired(mine.get(urn, []), its.get(urn, [])):
            if its_step is None and stopped:
                unreached.append(urn)
                continue
            found = tuple(_differences(urn, my_step, its_step))
            differences += found
            if found:
                continue
            if my_step is not None and _is_open(my_step):
                undecided.append(urn)
            else:
                same += 1
    return Parity(same=same, open=tuple(undecided), unreached=tuple(unreached), differences=tuple(differences))


def worse(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences where the engine would destroy something that our preview does not say."""
    destroying = {Op.DELETE.value, Op.REPLACE.value}
    return tuple(found for found in differences if found.engine in destroying and found.ours != found.engine)


def _by_urn(steps: Iterable[Step]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for step in steps:
        if step.op is not Op.SAME:
            found.setdefault(step.urn, []).append(step)
    return found


def _paired(mine: list[Step], its: list[Step]) -> Iterator[tuple[Step | None, Step | None]]:
    """Steps on one URN side by side: the deletion of an old half first with its like, then the rest in turn."""
    for is_leftover in (True, False):
        left = [step for step in mine if _is_leftover(step) is is_leftover]
        right = [step for step in its if _is_leftover(step) is is_leftover]
        for place in range(max(len(left), len(right))):
            yield (left[place] if place < len(left) else None, right[place] if place < len(right) else None)


def _is_leftover(step: Step) -> bool:
    return step.op is Op.DELETE and step.pending_delete


def _is_open(step: Step) -> bool:
    return step.op is Op.UPDATE and (step.replaces is Replaces.UNKNOWN or not step.certain)


def _differences(urn: str, mine: Step | None, its: Step | None) -> Iterator[Difference]:
    my_op, its_op = (_NONE if step is None else step.op.value for step in (mine, its))
    if mine is not None and its is not None and mine.op is Op.REPLACE and its.op is Op.REPLACE:
        yield from _other_reasons(urn, mine, its)
    elif my_op != its_op and not (mine is not None and _allows(mine, its)):
        yield Difference(urn=urn, name=parse(urn).name, ours=my_op, engine=its_op, detail=_detail(mine, its))


def _allows(mine: Step, its: Step | None) -> bool:
    """Whether what the engine does is among what our step leaves open."""
    if mine.op is not Op.UPDATE:
        return False
    if its is None:
        return not mine.certain
    if its.op is Op.UPDATE:
        return True
    return its.op is Op.REPLACE and mine.replaces is Replaces.UNKNOWN and _reasons_are_open(mine, its)


def _reasons_are_open(mine: Step, its: Step) -> bool:
    """Whether each property that the engine replaces for is one that ours did not claim to be changed in place."""
    in_place = [change.path for change in mine.changes if change.replaces is Replaces.NO]
    return not any(_named(reason, in_place) for reason in its.replace_reason)


def _other_reasons(urn: str, mine: Step, its: Step) -> Iterator[Difference]:
    """A replacement on both sides, for properties that only one of them names."""
    if not its.replace_reason:
        return
    may_force = [change.path for change in mine.changes if change.replaces is not Replaces.NO]
    only_its = [reason for reason in its.replace_reason if not _named(reason, [*mine.replace_reason, *may_force])]
    named = [reason for reason in mine.replace_reason if _is_path(reason)]
    only_mine = [reason for reason in named if not _named(reason, its.replace_reason)]
    if only_its or only_mine:
        detail = "; ".join(
            f"only {side} replaces for {', '.join(found)}"
            for side, found in (("ours", only_mine), ("the engine", only_its))
            if found
        )
        op = Op.REPLACE.value
        yield Difference(urn=urn, name=parse(urn).name, ours=op, engine=op, detail=detail)


def _is_path(reason: str) -> bool:
    return " " not in reason


def _named(reason: str, others: Collection[str]) -> bool:
    """Whether *reason* is one of *others*, or lies in one, or holds one: providers name them at different depths."""
    wanted = paths.parsed(reason) if _is_path(reason) else (reason,)
    for other in others:
        found = paths.parsed(other) if _is_path(other) else (other,)
        if paths.covers(found, wanted) or paths.covers(wanted, found):
            return True
    return False


def _detail(mine: Step | None, its: Step | None) -> str:
    if its is not None and its.op is Op.REPLACE and its.replace_reason:
        return f"the engine replaces for {', '.join(its.replace_reason)}"
    if mine is not None and mine.op is Op.REPLACE:
        return f"ours replaces for {', '.join(mine.replace_reason)}"
    changed = [change.path for step in (mine, its) if step is not None for change in step.changes]
    return f"differs in {', '.join(dict.fromkeys(changed))}" if changed else ""
