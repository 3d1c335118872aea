"""State and cloud side by side: what is lost, stray, doubled, broken or open; worked by hand."""

from __future__ import annotations

from typing import Any

from infra.emulation.agreement import agreement
from infra.emulation.cloud import Existing

VPC = "aws:ec2/vpc:Vpc"


def recorded(id_: str, name: str = "net", **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::p::{VPC}::{name}", "type": VPC, "id": id_, "custom": True, **more}


def exists(id_: str, name: str = "net", status: str = "ACTIVE") -> Existing:
    return Existing(
        type=VPC, id=id_, urn=f"urn:pulumi:s::p::{VPC}::{name}", inputs={}, outputs={"status": status}, revision=1
    )


def test_what_both_have_is_whole():
    found = agreement({"resources": [recorded("vpc-1")]}, [exists("vpc-1")])
    assert found.whole
    assert found.both == 1


def test_a_resource_that_only_the_state_has_is_lost():
    found = agreement({"resources": [recorded("vpc-1"), recorded("vpc-2", "other")]}, [exists("vpc-1")])
    assert [(held.name, held.id) for held in found.lost] == [("other", "vpc-2")]
    assert not found.whole


def test_a_resource_that_only_the_cloud_has_is_stray_and_a_second_one_is_doubled():
    """vpc-2 was made for the same resource of the program as vpc-1, and nothing says so."""
    found = agreement({"resources": [recorded("vpc-1")]}, [exists("vpc-1"), exists("vpc-2")])
    assert [held.id for held in found.stray] == ["vpc-2"]
    assert found.doubled == (f"urn:pulumi:s::p::{VPC}::net",)


def test_the_old_half_of_a_replacement_is_no_double():
    """The state holds both, one of them to be deleted."""
    state = {"resources": [recorded("vpc-2"), recorded("vpc-1", delete=True)]}
    assert agreement(state, [exists("vpc-1"), exists("vpc-2")]).whole


def test_what_stays_on_purpose_is_not_stray():
    kept = exists("vpc-1")
    found = agreement({"resources": []}, [kept], retained={kept.urn})
    assert found.whole
    assert found.kept == 1


def test_components_providers_and_what_is_only_looked_up_are_not_counted():
    state = {
        "resources": [
            recorded("", custom=False),
            recorded("p", type="pulumi:providers:aws"),
            recorded("vpc-9", external=True),
        ]
    }
    found = agreement(state, [])
    assert found.whole
    assert found.both == 0


def test_operations_without_an_end_are_told():
    pending = [{"type": "creating", "resource": {"urn": "urn:x"}}]
    assert agreement({"pending_operations": pending}, []).pending == ("urn:x",)


def test_what_does_not_work_is_told_and_both_have_it():
    found = agreement({"resources": [recorded("vpc-1")]}, [exists("vpc-1", status="CREATE_FAILED")])
    assert [held.name for held in found.broken] == ["net"]
    assert found.whole


NOTE = "kubernetes:core/v1:ConfigMap"
PROVIDER = "urn:pulumi:s::p::pulumi:providers:kubernetes::{}"


def noted(name: str, cluster: str) -> dict[str, Any]:
    """A note of one name, put into *cluster* by its provider."""
    urn = f"urn:pulumi:s::p::{NOTE}::{name}"
    return {
        "urn": urn,
        "type": NOTE,
        "id": "kube-system/a",
        "custom": True,
        "provider": f"{PROVIDER.format(cluster)}::7",
    }


def provider(cluster: str) -> dict[str, Any]:
    """The provider of *cluster*, in a state."""
    kind = "pulumi:providers:kubernetes"
    inputs = {"clusterIdentifier": f"https://{cluster}", "kubeconfig": "{}"}
    return {"urn": PROVIDER.format(cluster), "type": kind, "id": "7", "custom": True, "inputs": inputs}


def test_objects_of_one_name_in_two_clusters_are_two():
    """Both in the state; the cloud lost that of one cluster."""
    state = {"resources": [provider("home"), provider("away"), noted("here", "home"), noted("there", "away")]}
    there = [
        Existing(
            type=NOTE,
            id="kube-system/a",
            urn=f"urn:pulumi:s::p::{NOTE}::{name}",
            inputs={},
            outputs={},
            revision=1,
            cluster=f"https://{cluster}",
        )
        for name, cluster in (("here", "home"), ("there", "away"))
    ]
    both = agreement(state, there)
    assert (both.whole, both.both) == (True, 2)
    lost = agreement(state, there[:1])
    assert [(held.name, held.cluster) for held in lost.lost] == [("there", "https://away")]
