"""What an interrupted run left pending, decided: what was made joins the state, what was not leaves it."""

from __future__ import annotations

import json

import pytest

from infra.apply.settling import made_from, settled
from infra.failures import WrongInput

VPC, DISK = "urn:pulumi:dev::shop::toy:net/vpc:Vpc::main", "urn:pulumi:dev::shop::toy:storage/disk:Disk::data"


def state(*pending: tuple[str, str], resources: tuple[str, ...] = ()) -> str:
    """A state with *resources* and *pending* operations: what was done, and to which URN."""
    return json.dumps(
        {
            "version": 3,
            "deployment": {
                "manifest": {"version": "v3.259.0"},
                "resources": [{"urn": urn, "type": "toy", "id": f"old-{urn[-4:]}"} for urn in resources],
                "pending_operations": [
                    {"type": operation, "resource": {"urn": urn, "type": "toy", "inputs": {"size": 1}}}
                    for operation, urn in pending
                ],
            },
        }
    )


def test_what_was_made_joins_with_its_id_and_the_rest_is_forgotten():
    """The inputs are those that it was made with; nothing is pending any more."""
    found = settled(state(("creating", VPC), ("creating", DISK)), made={VPC: "vpc-1"})
    assert found.document["deployment"] == {
        "manifest": {"version": "v3.259.0"},
        "resources": [{"urn": VPC, "type": "toy", "inputs": {"size": 1}, "id": "vpc-1"}],
    }
    assert (found.made, found.forgotten, found.refreshed) == ((VPC,), (DISK,), ())


def test_what_was_being_changed_or_deleted_is_left_to_the_refresh():
    """The cloud can be asked for it: its id is in the state."""
    found = settled(state(("updating", VPC), ("deleting", DISK), resources=(VPC, DISK)), made={})
    assert [entry["type"] for entry in found.document["deployment"]["pending_operations"]] == ["updating", "deleting"]
    assert found.refreshed == (VPC, DISK)


def test_the_old_half_of_a_replacement_is_still_to_be_deleted():
    """The new one was being made beside the old one, which has the same URN."""
    found = settled(state(("creating", DISK), resources=(DISK,)), made={DISK: "disk-2"})
    old, new = found.document["deployment"]["resources"]
    assert (old["id"], old["delete"]) == ("old-data", True)
    assert (new["id"], new.get("delete")) == ("disk-2", None)


def test_a_settled_state_stays_as_it_is():
    """Nothing is pending; all else is kept, also what this reader does not know."""
    text = state(resources=(VPC,))
    document = json.loads(text)
    del document["deployment"]["pending_operations"]
    assert settled(text, made={}).document == document


def test_something_that_is_not_pending_cannot_have_been_made():
    """A mistyped URN would else be forgotten in the state and paid for in the cloud."""
    with pytest.raises(WrongInput, match="no creation of it is pending"):
        settled(state(("creating", VPC)), made={DISK: "disk-1"})


@pytest.mark.parametrize("word", ["vpc-1", f"{VPC}=", "=vpc-1"])
def test_what_was_made_is_named_by_urn_and_id(word: str):
    """Ids may hold what they like; a URN has no equals sign before it ends."""
    assert made_from([f"{VPC}=a=b"]) == {VPC: "a=b"}
    with pytest.raises(WrongInput, match="is not URN=ID"):
        made_from([word])
