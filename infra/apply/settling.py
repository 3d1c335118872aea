"""Settles what an interrupted run left open: creations that did happen join the state, the others leave it.

`pulumi refresh --import-pending-creates` is meant for this, but loses them (3.259.0: the operation becomes "importing",
which nothing carries out, and the next save of the state drops; cmd/pulumi/operations/refresh.go, backend/snapshot.go).
So the state is written anew with `pulumi stack import`, and `pulumi refresh` then reads what the cloud has.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.apply import engine as pulumi
from infra.apply.engine import Engine
from infra.failures import WrongInput
from infra.render.pending import CREATING


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of the pending operations of a state."""

    document: Mapping[str, Any]  # the state without pending creations, as `pulumi stack import` takes it
    made: tuple[str, ...]  # URNs of creations that joined the state
    forgotten: tuple[str, ...]  # URNs of creations that left it, as they did not happen
    refreshed: tuple[str, ...]  # URNs of what was being changed or deleted: the refresh tells


def made_from(words: Sequence[str]) -> dict[str, str]:
    """
    The ids by URN in *words* of the form URN=ID.

    Raises:
        WrongInput: If one has another form.
    """
    found = {}
    for word in words:
        urn, _, id_ = word.partition("=")
        if not (urn.startswith("urn:pulumi:") and id_):
            raise WrongInput(
                f"--made {word}: is not URN=ID\n    hint: the URN as `sizeup up` prints it, and the id that the cloud "
                "gives the resource, in quotes: --made 'urn:pulumi:...=vpc-0a1b2c'"
            )
        found[urn] = id_
    return found


def settled(state: str, *, made: Mapping[str, str]) -> Settled:
    """
    The *state* after its pending creations are decided.

    Args:
        state: What `pulumi stack export` printed.
        made: URN and id of each creation that did happen; all others did not.

    Raises:
        WrongInput: If *made* names something that was not being created.
    """
    document = json.loads(state)
    deployment = document.get("deployment") or {}
    pending = deployment.get("pending_operations") or []
    created = {entry["resource"]["urn"]: entry["resource"] for entry in pending if entry["type"] == CREATING}
    unknown = sorted(made.keys() - created.keys())
    if unknown:
        raise WrongInput(
            f"--made {unknown[0]}: no creation of it is pending\n    hint: `sizeup up` lists those that are"
        )
    resources = [
        {**entry, "delete": True} if entry["urn"] in made and not entry.get("delete") else entry  # it was replaced
        for entry in deployment.get("resources") or []
    ]
    resources += [{**created[urn], "id": id_} for urn, id_ in made.items()]
    rest = [entry for entry in pending if entry["type"] != CREATING]
    after = {key: value for key, value in deployment.items() if key != "pending_operations"}
    after["resources"] = resources
    if rest:
        after["pending_operations"] = rest
    return Settled(
        document={**document, "deployment": after},
        made=tuple(made),
        forgotten=tuple(urn for urn in created if urn not in made),
        refreshed=tuple(entry["resource"]["urn"] for entry in rest),
    )


def settle(engine: Engine, stack: str, *, made: Mapping[str, str]) -> Settled:
    """
    What became of the pending operations of *stack*; its state is written anew, and refreshed from the cloud.

    Raises:
        WrongInput: If *made* names something that was not being created, or there is no such stack.
        ProgramFailed: If the backend or a cloud refuses.
    """
    state = pulumi.exported(engine, stack, show_secrets=False)
    if state is None:
        raise WrongInput(f"{stack}: its backend knows no such stack\n    hint: pulumi stack ls")
    found = settled(state, made=made)
    with tempfile.TemporaryDirectory(prefix="sizeup-") as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(found.document), encoding="utf-8")
        pulumi.imported(engine, stack, file)
    pulumi.refreshed(engine, stack)
    return found
