"""Edits that can be made to every example stack, beside those of `tests/edits.py`, each made for one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.stack import plan_path, stack_path
from tests.edits import EDITS, at_all_hours, edit_plan, edit_text, served_at_all_hours

Plan = dict[str, Any]
OWNER = "owner: ml-platform"  # stands in every stack file
CLOUD = {"chat-aws": "aws", "small-aws": "aws", "chat-gcp": "gcp", "tpu-gcp": "gcp"}
MODELS = {
    "meta-llama/Llama-3.3-70B-Instruct": "Qwen/Qwen3-32B",
    "meta-llama/Llama-3.1-8B-Instruct": "Qwen/Qwen3-8B",
    "Qwen/Qwen3-32B": "Qwen/Qwen3-14B",
}
LARGER = {"m7i.xlarge": "m7i.2xlarge", "e2-standard-4": "e2-standard-8"}  # for the cluster's own services
REGIONS = {"us-east-1": ("us-west-2", "use1-", "usw2-"), "us-east5": ("us-central1", "us-east5-", "us-central1-")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit of any stack."""

    name: str
    change: Callable[[Path, str], None]  # the project's folder, and the stack
    may_be_silent: bool = False  # true where "no change" is a right answer, so that the engine's steps prove nothing


def _accelerators(plan: Plan) -> Plan:
    return next(pool for pool in plan["node_pools"] if pool["role"] == "accelerator")


def _system(plan: Plan) -> Plan:
    return next(pool for pool in plan["node_pools"] if pool["role"] == "system")


def _planned(change: Callable[[Plan], object]) -> Callable[[Path, str], None]:
    """The edit of the plan alone."""

    def edited(root: Path, stack: str) -> None:
        def changed(plan: Plan) -> None:
            change(plan)

        edit_plan(root, stack, changed)

    return edited


def _one_more(plan: Plan) -> None:
    pool, deployment = _accelerators(plan), plan["deployments"][0]
    at_all_hours(pool, pool["nodes"] + 1)
    first, *others = [placement["replicas"] for placement in deployment["placements"]]
    served_at_all_hours(deployment, first + 1, *others)


def _by_hours(plan: Plan) -> None:
    """Machines and replicas more in the busiest hours, and fewer by one in the quietest."""
    _one_more(plan)
    _accelerators(plan)["least_nodes"] -= 1
    plan["deployments"][0]["least_replicas"] -= 1


def _from_reservation(plan: Plan) -> None:
    """The machines of one pool come out of a reservation, which is part of the pool's name."""
    pool, deployment = _accelerators(plan), plan["deployments"][0]
    reservation = "cr-0a1b2c3d4e5f60718" if plan["cloud"] == "aws" else "v6e-march"
    held = f"{pool['name']}-{reservation}"
    for part, key in ((deployment["placements"][0], "pool"), (plan["cost_lines"][0], "pool"), (pool, "name")):
        assert part[key] == pool["name"]
        part[key] = held
    pool.update(mode="reservation", reservation=reservation)


def _larger_disk(plan: Plan) -> None:
    _accelerators(plan)["boot_disk_gb"] += 100


def _larger_machine(plan: Plan) -> None:
    _system(plan)["machine"] = LARGER[_system(plan)["machine"]]


def _other_mode(plan: Plan) -> None:
    pool = _accelerators(plan)
    pool["mode"] = "spot" if pool["mode"] == "on_demand" else "on_demand"
    plan["deployments"][0]["mode"] = pool["mode"]


def _other_precision(plan: Plan) -> None:
    deployment = plan["deployments"][0]
    was_fp8 = deployment["weights"] == "fp8"
    deployment["weights"], deployment["engine"]["quantization"] = ("bf16", None) if was_fp8 else ("fp8", "fp8")


def _more_in_flight(plan: Plan) -> None:
    plan["deployments"][0]["engine"]["max_num_seqs"] += 8


def _no_bucket(plan: Plan) -> None:
    plan["buckets"] = []


def by_hours(root: Path, stack: str) -> None:
    """Machines come and go with the hour, and something has to bring them and take them away."""
    _planned(_by_hours)(root, stack)


def machines_of_other_names(root: Path, stack: str) -> None:
    """All machines for the cluster's own services are larger ones, in pools that are named after them."""
    path = plan_path(root, stack)
    for old, new in LARGER.items():
        text = path.read_text("utf-8")
        path.write_text(text.replace(old, new).replace(old.replace(".", "-"), new.replace(".", "-")), encoding="utf-8")


def another_region(root: Path, stack: str) -> None:
    """Everything moves to another region, with zones of the same letters or numbers."""
    path = plan_path(root, stack)
    for old, (new, old_zones, new_zones) in REGIONS.items():
        if f'"region": "{old}"' in path.read_text("utf-8"):
            edit_text(path, old_zones, new_zones)
            path.write_text(re.sub(rf"\b{old}\b(?!-[a-z])", new, path.read_text("utf-8")), encoding="utf-8")
            _allow(root, stack, new)
            break
    edit_plan(root, stack, lambda _plan: None)


def _allow(root: Path, stack: str, *regions: str) -> None:
    """The stack file of *stack* allows these regions and no others."""
    path = stack_path(root, stack)
    text = re.sub(r"sizeup:regions:.*(\n    - .*)*", f"sizeup:regions: [{', '.join(regions)}]", path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")


def second_region(root: Path, stack: str) -> None:
    """Another region beside home, with machines, a bucket and a workload of its own."""

    def change(plan: Plan) -> None:
        home = plan["region"]
        away, old_zones, new_zones = REGIONS[home]
        parts = json.dumps({key: plan[key] for key in ("node_pools", "deployments", "buckets", "zones")})
        there = json.loads(re.sub(rf"\b{home}\b(?!-[a-z])", away, parts.replace(old_zones, new_zones)))
        for deployment in there["deployments"]:
            deployment["name"] = deployment["name"].replace(deployment["workload"], "draft")
            deployment["workload"] = "draft"
        plan["elsewhere"] = [{"region": away, "zones": there["zones"]}]
        for key in ("node_pools", "deployments", "buckets"):
            plan[key] += there[key]

    home = next(region for region in REGIONS if f'"region": "{region}"' in plan_path(root, stack).read_text("utf-8"))
    _allow(root, stack, home, REGIONS[home][0])
    edit_plan(root, stack, change)


def another_model(root: Path, stack: str) -> None:
    """Another model behind the same workload, on the same machines."""

    def change(plan: Plan) -> None:
        for deployment in plan["deployments"]:
            hub_id = MODELS[deployment["hub_id"]]
            deployment["hub_id"], deployment["model"] = hub_id, hub_id.partition("/")[2]

    for old, new in MODELS.items():
        if old in stack_path(root, stack).read_text("utf-8"):
            edit_text(stack_path(root, stack), old, new)
            break
    edit_plan(root, stack, change)


def another_label(root: Path, stack: str) -> None:
    """Everything belongs to another team."""
    edit_text(stack_path(root, stack), OWNER, "owner: research")


def open_api(root: Path, stack: str) -> None:
    """The Kubernetes API may be reached from the office."""
    edit_text(
        stack_path(root, stack), "owner: ml-platform", "owner: ml-platform\n    api_access_cidrs: [203.0.113.0/24]"
    )


def another_image(root: Path, stack: str) -> None:
    """The inference server is one that the stack names."""
    image = "vllm/vllm-tpu:v0.25.0" if CLOUD[stack] == "gcp" else "vllm/vllm-openai:v0.30.0"
    name = "vllm-tpu" if CLOUD[stack] == "gcp" else "vllm"
    edit_text(stack_path(root, stack), OWNER, f"{OWNER}\n    images: {{{name}: {image}}}")


PROVIDER_VERSION = '''"""The program, with an older plugin behind the cloud's provider."""

import pulumi

from infra.program import main


def older(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Every resource as it is, but for the version of one provider."""
    if args.type_ != "pulumi:providers:{cloud}":
        return None
    args.opts.version = "{version}"
    return pulumi.ResourceTransformResult(props=args.props, opts=args.opts)


pulumi.runtime.register_resource_transform(older)
main()
'''
OLDER = {"aws": "7.50.0", "gcp": "10.1.0"}

RENAMED = '''"""The program, with another name for a component and an alias that tells the old one."""

import pulumi

from infra import {cloud} as wiring
from infra.program import main

model_bucket = wiring.ModelBucket


def renamed(name, args, opts):
    """The bucket of *args*, once called *name*."""
    was = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name)])
    return model_bucket(f"weights-{{name}}", args, opts=pulumi.ResourceOptions.merge(opts, was))


wiring.ModelBucket = renamed
try:
    main()
finally:
    wiring.ModelBucket = model_bucket
'''


def another_provider_version(root: Path, stack: str) -> None:
    """The cloud's plugin has another version."""
    cloud = CLOUD[stack]
    text = PROVIDER_VERSION.format(cloud=cloud, version=OLDER[cloud])
    (root / "infra" / "__main__.py").write_text(text, encoding="utf-8")


def renamed_under_an_alias(root: Path, stack: str) -> None:
    """The model bucket, a component with protected children, has another name and an alias for the old one."""
    (root / "infra" / "__main__.py").write_text(RENAMED.format(cloud=CLOUD[stack]), encoding="utf-8")


ON_ANY_STACK = (
    Edit(name="one machine more", change=_planned(_one_more)),
    Edit(name="larger machine in its pool", change=_planned(_larger_machine)),
    Edit(name="machines in pools of other names", change=machines_of_other_names),
    Edit(name="another region", change=another_region),
    Edit(name="another precision", change=_planned(_other_precision)),
    Edit(name="another model", change=another_model),
    Edit(name="more requests in flight", change=_planned(_more_in_flight)),
    Edit(name="another label", change=another_label),
    Edit(name="another provider version", change=another_provider_version),
    Edit(name="renamed under an alias", change=renamed_under_an_alias, may_be_silent=True),
    Edit(name="protected bucket removed", change=_planned(_no_bucket)),
    Edit(name="larger boot disks", change=_planned(_larger_disk)),
    Edit(name="spot or on demand", change=_planned(_other_mode)),
    Edit(name="API open to the office", change=open_api),
    Edit(name="another image", change=another_image),
    Edit(name="machines that come and go with the hour", change=by_hours),
    Edit(name="machines out of a reservation", change=_planned(_from_reservation)),
    Edit(name="a second region", change=second_region),
)


LIKE_ANY = {  # of tests/edits.py: what an edit above does as well
    "one node more",
    "another region",
    "another precision",
    "another model",
    "another label",
    "another label on Google Cloud",
    "another provider version",
    "renamed under an alias",
    "protected bucket removed",
    "larger boot disks",
    "spot becomes on demand",
}


def _whatever_the_stack(change: Callable[[Path], None]) -> Callable[[Path, str], None]:
    return lambda root, _: change(root)


def made_to_measure(stack: str) -> tuple[Edit, ...]:
    """The edits of `tests/edits.py` for *stack* that are like none above."""
    return tuple(
        Edit(name=edit.name, change=_whatever_the_stack(edit.change))
        for edit in EDITS
        if edit.stack == stack and edit.name not in LIKE_ANY
    )
