"""Whether a state and the cloud agree: what only one of them has, what is there twice, what does not work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulation.cloud import BROKEN, Existing
from infra.emulation.nature import cluster_of

_PROVIDER = "pulumi:providers:"
_FAILED = "CREATE_FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One cloud resource, as a state or a cloud names it."""

    type: str
    id: str
    urn: str
    cluster: str = ""  # of Kubernetes that it is in; empty for what is in none

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A state and a cloud, side by side."""

    both: int  # resources that both have
    lost: tuple[Held, ...]  # in the state, not in the cloud
    stray: tuple[Held, ...]  # in the cloud, unknown to the state
    doubled: tuple[str, ...]  # URNs that the cloud has more than one resource of, and the state only one
    broken: tuple[Held, ...]  # in both, but not in working order
    pending: tuple[str, ...]  # URNs of operations that the state does not know the end of
    kept: int = 0  # resources that only the cloud has, on purpose

    @property
    def whole(self) -> bool:
        """Nothing lost, nothing stray, nothing twice, nothing open."""
        return not (self.lost or self.stray or self.doubled or self.pending)


def agreement(
    deployment: Mapping[str, Any], existing: Iterable[Existing], *, retained: Collection[str] = ()
) -> Agreement:
    """
    How the state *deployment* compares with what exists.

    Args:
        deployment: As `pulumi stack export` has it.
        existing: All that the cloud has.
        retained: URNs of what was left in the cloud on purpose.
    """
    there = {(item.cluster, item.type, item.id): item for item in existing}
    resources = deployment.get("resources") or ()
    clusters = {f"{item['urn']}::{item.get('id')}": cluster_of(item.get("inputs") or {}) for item in resources}
    recorded = {
        (clusters.get(item.get("provider"), ""), item["type"], item["id"]): item["urn"]
        for item in resources
        if _is_held(item)
    }
    counts, known = Counter(item.urn for item in there.values()), Counter(recorded.values())
    return Agreement(
        both=len(there.keys() & recorded.keys()),
        lost=tuple(_held(key, recorded[key]) for key in sorted(recorded.keys() - there.keys())),
        stray=tuple(
            _held(key, there[key].urn)
            for key in sorted(there.keys() - recorded.keys())
            if there[key].urn not in retained
        ),
        doubled=tuple(sorted(urn for urn, number in counts.items() if number > 1 and number > known[urn])),
        broken=tuple(
            _held(key, there[key].urn)
            for key in sorted(there.keys() & recorded.keys())
            if there[key].outputs.get("status") == _FAILED or BROKEN in there[key].outputs
        ),
        pending=tuple(item["resource"]["urn"] for item in deployment.get("pending_operations") or ()),
        kept=sum(there[key].urn in retained for key in there.keys() - recorded.keys()),
    )


def _held(key: tuple[str, str, str], urn: str) -> Held:
    cluster, type_, id_ = key
    return Held(type=type_, id=id_, urn=urn, cluster=cluster)


def _is_held(item: Mapping[str, Any]) -> bool:
    """Whether an entry of a state stands for something in a cloud."""
    return bool(item.get("custom")) and not item["type"].startswith(_PROVIDER) and not item.get("external")
