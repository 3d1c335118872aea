"""What the judgements come to: findings that are waived with a reason, those that are not, checks that never ran."""

from __future__ import annotations

import datetime as dt
import fnmatch
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.failures import WrongInput
from tools.judge.checkov import Judgement

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that stays, with the reason."""

    check: str
    resources: str  # a pattern: DaemonSet.kube-system.*
    stacks: tuple[str, ...]  # empty: in every stack
    reason: str
    date: str  # when it was last thought about

    def covers(self, found: Judgement) -> bool:
        """Whether *found* is what is waived."""
        here = not self.stacks or found.stack in self.stacks
        return here and found.check == self.check and fnmatch.fnmatchcase(found.resource, self.resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A check of the security baseline: it has to run on something, or there is a reason why it cannot."""

    check: str
    what: str
    not_here: str | None  # why it can judge nothing that the components make
    absent: tuple[str, ...]  # Terraform types or Kubernetes kinds that none of our resources may have then


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All of it; `holds` where nothing is left open."""

    judgements: tuple[Judgement, ...]
    waived: tuple[tuple[Judgement, Waiver], ...]
    open: tuple[Judgement, ...]
    idle: tuple[Waiver, ...]  # waivers that match no finding
    never_ran: tuple[Demand, ...]
    refuted: tuple[Demand, ...]  # said to have nothing to judge, and has
    unjudged: tuple[str, ...]  # types of resources that checkov has no check for

    @property
    def holds(self) -> bool:
        """Whether everything is judged, and every finding is mended or waived."""
        return not (self.open or self.idle or self.never_ran or self.refuted)


def verdict(
    judgements: Iterable[Judgement],
    waivers: Iterable[Waiver],
    baseline: Iterable[Demand],
    *,
    rendered: Collection[str],
) -> Verdict:
    """
    The findings among *judgements* under *waivers*, and what of *baseline* they do not cover.

    Args:
        judgements: All that checkov said, of every stack.
        waivers: Findings that stay.
        baseline: What has to be judged.
        rendered: The types of all resources that checkov was shown, as it calls them.
    """
    everything, waivers = tuple(judgements), tuple(waivers)
    waived: list[tuple[Judgement, Waiver]] = []
    left: list[Judgement] = []
    for found in everything:
        if not found.passed:
            covering = next((waiver for waiver in waivers if waiver.covers(found)), None)
            if covering is None:
                left.append(found)
            else:
                waived.append((found, covering))
    ran = {found.check for found in everything}
    kinds = {found.resource.partition(".")[0] for found in everything}
    demands = tuple(baseline)
    return Verdict(
        judgements=everything,
        waived=tuple(waived),
        open=tuple(left),
        idle=tuple(
            waiver for waiver in waivers if not any(not found.passed and waiver.covers(found) for found in everything)
        ),
        never_ran=tuple(one for one in demands if one.not_here is None and one.check not in ran),
        refuted=tuple(one for one in demands if one.not_here is not None and _is_refuted(one, ran, rendered)),
        unjudged=tuple(sorted(set(rendered) - kinds)),
    )


def _is_refuted(one: Demand, ran: set[str], rendered: Collection[str]) -> bool:
    return one.check in ran or any(kind in rendered for kind in one.absent)


def load_waivers(path: Path = HERE / "waivers.json") -> tuple[Waiver, ...]:
    """
    The waivers in *path*: for each check and reason, one for each pattern of resources.

    Raises:
        WrongInput: If one has no reason, no date, or stands there twice.
    """
    found = [
        Waiver(
            check=row["check"],
            resources=resources,
            stacks=tuple(row.get("stacks", ())),
            reason=row["reason"],
            date=row["date"],
        )
        for row in json.loads(path.read_text(encoding="utf-8"))["waivers"]
        for resources in row["resources"]
    ]
    for one in found:
        _check(one, path)
    pairs = [(one.check, one.resources) for one in found]
    for twice in sorted({pair for pair in pairs if pairs.count(pair) > 1}):
        raise WrongInput(f"{path.name}: {twice[0]} on {twice[1]} is waived twice\n    hint: keep one of them")
    return tuple(found)


def _check(one: Waiver, path: Path) -> None:
    try:
        dt.date.fromisoformat(one.date)
    except ValueError:
        raise WrongInput(f"{path.name}: {one.check}: {one.date!r} is no date\n    hint: write 2026-11-21") from None
    if not one.reason.strip():
        raise WrongInput(f"{path.name}: {one.check}: has no reason\n    hint: say why it stays, or mend it")


def load_baseline(path: Path = HERE / "baseline.json") -> tuple[Demand, ...]:
    """The checks of the security baseline."""
    rows: Iterable[Mapping[str, object]] = json.loads(path.read_text(encoding="utf-8"))["checks"]
    return tuple(
        Demand(
            check=str(row["check"]),
            what=str(row["what"]),
            not_here=str(row["not_here"]) if "not_here" in row else None,
            absent=tuple(map(str, absent)) if isinstance(absent := row.get("absent", ()), list) else (),
        )
        for row in rows
    )
