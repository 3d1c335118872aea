"""Graphs on disk as checkov reads them: a folder for each, with a Terraform plan and Kubernetes manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from components.graph import Graph
from infra.recorder.stack_program import record_stack
from tools.judge.deployment import Deployment, Origin
from tools.judge.manifests import manifests, objects
from tools.judge.terraform import addresses, plan


def recorded(root: Path, stack: str) -> tuple[Graph, Mapping[str, Origin]]:
    """What *stack* registers where everything can be built, and which output each made-up text is."""
    deployment = Deployment()
    return record_stack(root, stack, answer=deployment.answer).graph, deployment.origins


def kinds(graph: Graph) -> frozenset[str]:
    """What checkov calls the types of the resources that are rendered: aws_s3_bucket, DaemonSet."""
    on_clouds = (address.partition(".")[0] for address in addresses(graph).values())
    return frozenset((*on_clouds, *(str(one.inputs["kind"]) for one in objects(graph))))


def write(graph: Graph, origins: Mapping[str, Origin], folder: Path) -> None:
    """Render *graph* into *folder*, which is made."""
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(plan(graph, origins), indent=1), encoding="utf-8")
    (folder / "objects.yaml").write_text(manifests(graph), encoding="utf-8")
