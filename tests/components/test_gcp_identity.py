"""Identities: nodes, model servers and administrators, each with what it needs and nothing else."""

from __future__ import annotations

import pytest

from components.gcp.access import Administrators, AdministratorsArgs, security_group
from components.gcp.identity import (
    ANNOTATION,
    NodeIdentity,
    NodeIdentityArgs,
    ServingIdentity,
    ServingIdentityArgs,
)
from components.gcp.machines import Unprovisionable
from tests.gcp import at, built, every, one

NODES = built(lambda: NodeIdentity("nodes", NodeIdentityArgs(project="acme-ml", stack="chat-gcp")))
SERVING = built(
    lambda: ServingIdentity(
        "chat",
        ServingIdentityArgs(
            project="acme-ml",
            stack="chat-gcp",
            workload="chat",
            namespace="chat",
            service_account="model-server",
            buckets={"models": "models-1a2b"},
        ),
    )
)
MEMBERS = ("user:ann@example.com", "group:ops@example.com")
ADMINISTRATORS = built(lambda: Administrators("admins", AdministratorsArgs(project="acme-ml", members=MEMBERS)))


def test_nodes_may_log_measure_and_pull_and_nothing_else() -> None:
    """Above all they may not read buckets: pods do that, each as itself."""
    assert {at(grant, "role") for grant in every(NODES, "IAMMember")} == {
        "roles/logging.logWriter",
        "roles/monitoring.metricWriter",
        "roles/monitoring.viewer",
        "roles/stackdriver.resourceMetadata.writer",
        "roles/artifactregistry.reader",
    }


def test_model_servers_may_read_the_model_bucket_alone() -> None:
    """A role on the bucket, none on the project."""
    grant = one(SERVING, "BucketIAMMember")
    assert (at(grant, "bucket"), at(grant, "role")) == ("models-1a2b", "roles/storage.objectViewer")
    assert not [r for r in SERVING.resources if r.type == "gcp:projects/iAMMember:IAMMember"]


def test_only_the_servers_own_kubernetes_account_may_act_as_them() -> None:
    """Namespace and name; another namespace's pods are strangers."""
    binding = next(r for r in SERVING.resources if r.type == "gcp:serviceaccount/iAMMember:IAMMember")
    assert at(binding, "role") == "roles/iam.workloadIdentityUser"
    assert at(binding, "member") == "serviceAccount:acme-ml.svc.id.goog[chat/model-server]"
    assert ANNOTATION == "iam.gke.io/gcp-service-account"


def test_no_key_file_of_a_service_account_is_made() -> None:
    """Whoever holds one is that account, for years."""
    assert not every(SERVING, "Key")
    assert not every(NODES, "Key")


def test_administrators_have_rights_inside_the_cluster_only() -> None:
    """On the project they may see that it exists."""
    assert {at(grant, "role") for grant in every(ADMINISTRATORS, "IAMMember")} == {"roles/container.clusterViewer"}
    binding = one(ADMINISTRATORS, "ClusterRoleBinding")
    assert at(binding, "roleRef", "name") == "cluster-admin"
    subjects = at(binding, "subjects")
    assert isinstance(subjects, list)
    assert [(s["kind"], s["name"]) for s in subjects if isinstance(s, dict)] == [
        ("User", "ann@example.com"),
        ("Group", "ops@example.com"),
    ]


def test_groups_are_found_through_the_security_group_of_their_domain() -> None:
    """People and accounts need none."""
    assert security_group(MEMBERS) == "gke-security-groups@example.com"
    assert security_group(("user:ann@example.com",)) is None


def test_groups_of_two_domains_are_refused() -> None:
    """A cluster has one security group."""
    with pytest.raises(Unprovisionable, match="groups of 2 domains"):
        security_group(("group:ops@example.com", "group:ops@example.org"))


def test_an_aws_role_is_no_administrator_here() -> None:
    """The stack moved from AWS, its settings did not."""
    with pytest.raises(Unprovisionable, match="is no member that Google Cloud knows"):
        security_group(("arn:aws:iam::123456789012:role/ops",))
