"""Settings and plans that no example stack has are judged too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.graph import Graph, Secret
from tests.project import ROOT
from tools.judge.rendering import kinds, recorded
from tools.judge.variants import Variant, load_variants, project_of

ADDED = {
    "chat-aws-opened": {"aws_eks_access_entry", "aws_eks_access_policy_association", "Secret"},
    "chat-gcp-opened": {"ClusterRoleBinding", "Secret"},
    "chat-aws-by-hours": {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},  # of what scales the machines
    "chat-gcp-by-hours": set[str](),  # GKE scales them itself
}


def graph_of(name: str, tmp_path: Path) -> Graph:
    """The resources of the variant *name*."""
    variant = load_variants()[name]
    return recorded(project_of(variant, root=ROOT, folder=tmp_path / name), variant.of)[0]


@pytest.mark.parametrize("name", sorted(load_variants()))
def test_a_variant_is_its_stack_and_what_it_adds(name: str, tmp_path: Path):
    assert kinds(graph_of(name, tmp_path)) - kinds(recorded(ROOT, load_variants()[name].of)[0]) == ADDED[name]


@pytest.mark.parametrize("name", ["chat-aws-opened", "chat-gcp-opened"])
def test_a_key_is_never_known_here(name: str, tmp_path: Path):
    (key,) = (one for one in graph_of(name, tmp_path).resources if one.type == "kubernetes:core/v1:Secret")
    assert isinstance(key.inputs["stringData"], Secret)


def inputs_of(name: str, tmp_path: Path) -> dict[str, Any]:
    """The inputs of the variant's node pools and their templates, by name."""
    kinds_of_pools = ("NodeGroup", "LaunchTemplate", "NodePool")
    return {one.name: one.inputs for one in graph_of(name, tmp_path).resources if one.type.endswith(kinds_of_pools)}


def test_machines_by_hours_and_out_of_a_reservation_are_judged_on_aws(tmp_path: Path):
    inputs = inputs_of("chat-aws-by-hours", tmp_path)
    assert inputs["p5-48xlarge-use1-az1-nodes"]["scalingConfig"] == {"desiredSize": 1, "maxSize": 1, "minSize": 0}
    held = inputs["p5-48xlarge-use1-az2-template"]["capacityReservationSpecification"]
    assert held["capacityReservationTarget"] == {"capacityReservationId": "cr-0a1b2c3d4e5f60718"}


def test_machines_by_hours_and_out_of_a_reservation_are_judged_on_google_cloud(tmp_path: Path):
    inputs = inputs_of("chat-gcp-by-hours", tmp_path)
    scaled, held = (inputs[f"ct6e-standard-8t-us-east5-{zone}"] for zone in "ab")
    assert scaled["autoscaling"] == {"locationPolicy": "ANY", "totalMaxNodeCount": 4, "totalMinNodeCount": 2}
    assert held["nodeConfig"]["reservationAffinity"]["values"] == ["v6e-march"]


def test_a_variant_of_a_part_that_is_not_there_is_refused(tmp_path: Path):
    stray = Variant(of="chat-aws", config={}, plan={"node_pools": {"p4-nowhere": {"nodes": 2}}})
    with pytest.raises(ValueError, match="p4-nowhere"):
        project_of(stray, root=ROOT, folder=tmp_path / "stray")
