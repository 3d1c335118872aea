"""Edits that users make to a stack, each a plain change of the files in a copy of the project.

One list serves two proofs: how the preview classifies each edit offline, and what the real engine does with it. An edit
touches the stack file, the plan, or `infra/__main__.py` (the one module that always runs from the copy itself).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.stack import load_spec, plan_path, stack_path
from sizing.catalog import catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit of one stack."""

    name: str
    stack: str
    change: Callable[[Path], None]  # edits the copy of the project in the folder it is given


def edit(name: str) -> Edit:
    """The edit called *name*; raises KeyError where there is none."""
    return {one.name: one for one in EDITS}[name]


def edit_plan(root: Path, stack: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the plan of *stack*, and mark it as made for what the stack file says now."""
    path = plan_path(root, stack)
    plan = json.loads(path.read_text("utf-8"))
    change(plan)
    plan["spec_hash"] = load_spec(root, stack, catalog()).hash
    path.write_text(json.dumps(plan, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def edit_text(path: Path, old: str, new: str) -> None:
    """Replace every *old* in the file *path*, where it must stand, by *new*."""
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} does not stand in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _pool(plan: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [pool for pool in plan["node_pools"] if pool["name"] == name]
    (pool,) = found
    return pool


def at_all_hours(pool: dict[str, Any], nodes: int) -> None:
    """*pool* has so many machines, and none of them comes and goes with the hour."""
    pool["nodes"] = pool["least_nodes"] = nodes


def served_at_all_hours(deployment: dict[str, Any], *replicas: int) -> None:
    """*deployment* has so many replicas on each of its pools, all of them at all hours and no more at any."""
    for placement, count in zip(deployment["placements"], replicas, strict=True):
        placement["replicas"] = count
    deployment["least_replicas"] = deployment["max_replicas"] = sum(replicas)


def one_node_more(root: Path) -> None:
    """The on-demand pool of small-aws has three machines instead of two, and a replica more on them."""

    def change(plan: dict[str, Any]) -> None:
        at_all_hours(_pool(plan, "g6e-2xlarge-use1-az1"), 3)
        served_at_all_hours(plan["deployments"][0], 3)

    edit_plan(root, "small-aws", change)


def another_machine_type(root: Path) -> None:
    """The H100 machines of chat-aws become H200 machines, whose pools have names of their own."""
    path = plan_path(root, "chat-aws")
    edit_text(path, "p5.48xlarge", "p5en.48xlarge")
    edit_text(path, "p5-48xlarge", "p5en-48xlarge")
    edit_text(path, '"fabric_interfaces": 32', '"fabric_interfaces": 16')


def another_machine_type_in_the_same_pool(root: Path) -> None:
    """A larger machine in the on-demand pool of small-aws, which keeps its name."""

    def change(plan: dict[str, Any]) -> None:
        _pool(plan, "g6e-2xlarge-use1-az1")["machine"] = "g6e.4xlarge"
        plan["deployments"][0]["machines"] = ["g6e.4xlarge"]

    edit_plan(root, "small-aws", change)


def another_region(root: Path) -> None:
    """chat-aws moves from us-east-1 to us-west-2, which its stack file allows."""
    path = plan_path(root, "chat-aws")
    edit_text(path, "us-east-1", "us-west-2")
    edit_text(path, "use1-az", "usw2-az")


def another_precision(root: Path) -> None:
    """chat-aws serves its weights in bf16 instead of fp8, on the same machines."""

    def change(plan: dict[str, Any]) -> None:
        deployment = plan["deployments"][0]
        deployment["weights"], deployment["engine"]["quantization"] = "bf16", None
        deployment["weight_bytes"] = 141_100_000_000

    edit_plan(root, "chat-aws", change)


def another_model(root: Path) -> None:
    """tpu-gcp serves Qwen3-14B instead of Qwen3-32B."""
    edit_text(stack_path(root, "tpu-gcp"), "Qwen/Qwen3-32B", "Qwen/Qwen3-14B")

    def change(plan: dict[str, Any]) -> None:
        deployment = plan["deployments"][0]
        deployment["hub_id"], deployment["model"] = "Qwen/Qwen3-14B", "Qwen3-14B"

    edit_plan(root, "tpu-gcp", change)


def more_traffic(root: Path) -> None:
    """chat-gcp has half as many requests again, and half as many machines and replicas again in each zone."""
    edit_text(stack_path(root, "chat-gcp"), "requests_per_s: 12", "requests_per_s: 18")

    def change(plan: dict[str, Any]) -> None:
        for pool in ("ct6e-standard-8t-us-east5-a", "ct6e-standard-8t-us-east5-b"):
            at_all_hours(_pool(plan, pool), 6)
        served_at_all_hours(plan["deployments"][0], 6, 6)

    edit_plan(root, "chat-gcp", change)


def another_label(root: Path) -> None:
    """The machines of small-aws belong to another team."""
    edit_text(stack_path(root, "small-aws"), "owner: ml-platform", "owner: research")


def another_label_on_google_cloud(root: Path) -> None:
    """The machines of tpu-gcp belong to another team."""
    edit_text(stack_path(root, "tpu-gcp"), "owner: ml-platform", "owner: research")


def larger_boot_disks(root: Path) -> None:
    """The TPU machines of tpu-gcp have a larger boot disk."""

    def change(plan: dict[str, Any]) -> None:
        _pool(plan, "ct6e-standard-4t-us-east5-a")["boot_disk_gb"] = 300

    edit_plan(root, "tpu-gcp", change)


def spot_becomes_on_demand(root: Path) -> None:
    """The spot pool of small-aws is bought on demand, and keeps its name."""

    def change(plan: dict[str, Any]) -> None:
        _pool(plan, "g6e-2xlarge-use1-az1-spot")["mode"] = "on_demand"
        plan["deployments"][1]["mode"] = "on_demand"

    edit_plan(root, "small-aws", change)


def protected_bucket_removed(root: Path) -> None:
    """small-aws streams weights from the Hub: its protected bucket and key leave the program."""
    edit_plan(root, "small-aws", lambda plan: plan.update(buckets=[]))


ANOTHER_PROVIDER_VERSION = '''"""The program, with an older plugin behind one of its providers."""

import pulumi

from infra.program import main


def older(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Every resource as it is, but for the version of the AWS provider."""
    if args.type_ != "pulumi:providers:aws":
        return None
    args.opts.version = "7.50.0"
    return pulumi.ResourceTransformResult(props=args.props, opts=args.opts)


pulumi.runtime.register_resource_transform(older)
main()
'''

RENAMED_UNDER_AN_ALIAS = '''"""The program, with another name for a component and an alias that tells the old one."""

import pulumi

import infra.aws
from infra.program import main

model_bucket = infra.aws.ModelBucket


def renamed(name: str, args: infra.aws.ModelBucketArgs, opts: pulumi.ResourceOptions) -> infra.aws.ModelBucket:
    """The bucket of *args*, once called *name*."""
    was = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name)])
    return model_bucket(f"weights-{name}", args, opts=pulumi.ResourceOptions.merge(opts, was))


infra.aws.ModelBucket = renamed
try:
    main()
finally:
    infra.aws.ModelBucket = model_bucket
'''


def another_provider_version(root: Path) -> None:
    """The AWS plugin of small-aws has another version."""
    (root / "infra" / "__main__.py").write_text(ANOTHER_PROVIDER_VERSION, encoding="utf-8")


def renamed_under_an_alias(root: Path) -> None:
    """The bucket of small-aws, a component with protected children, has another name and an alias for the old one."""
    (root / "infra" / "__main__.py").write_text(RENAMED_UNDER_AN_ALIAS, encoding="utf-8")


EDITS = (
    Edit(name="one node more", stack="small-aws", change=one_node_more),
    Edit(name="another machine type", stack="chat-aws", change=another_machine_type),
    Edit(name="another machine type in the same pool", stack="small-aws", change=another_machine_type_in_the_same_pool),
    Edit(name="another region", stack="chat-aws", change=another_region),
    Edit(name="another precision", stack="chat-aws", change=another_precision),
    Edit(name="another model", stack="tpu-gcp", change=another_model),
    Edit(name="more traffic", stack="chat-gcp", change=more_traffic),
    Edit(name="another label", stack="small-aws", change=another_label),
    Edit(name="another label on Google Cloud", stack="tpu-gcp", change=another_label_on_google_cloud),
    Edit(name="another provider version", stack="small-aws", change=another_provider_version),
    Edit(name="renamed under an alias", stack="small-aws", change=renamed_under_an_alias),
    Edit(name="protected bucket removed", stack="small-aws", change=protected_bucket_removed),
    Edit(name="larger boot disks", stack="tpu-gcp", change=larger_boot_disks),
    Edit(name="spot becomes on demand", stack="small-aws", change=spot_becomes_on_demand),
)
