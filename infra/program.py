"""The Pulumi program: builds what the stack's locked plan says. It decides nothing and solves nothing."""

from __future__ import annotations

from pathlib import Path

import pulumi

from components.platform import DELETION_GUARDS
from infra.stack import check_fresh, load_plan, platform_from_pulumi_config, spec_from_pulumi_config
from sizing.catalog import Cloud, catalog
from sizing.errors import SizingError


def main() -> None:
    """Build the selected stack; a user's mistake ends the run with its message and no trace."""
    try:
        build()
    except SizingError as error:
        raise pulumi.RunError(str(error)) from error


def released(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
    """The resource without protection, neither the engine's nor the cloud's own."""
    args.opts.protect = False
    guards = {key: False for key in DELETION_GUARDS if args.props.get(key) is True}
    return pulumi.ResourceTransformResult(props={**args.props, **guards}, opts=args.opts)


def build() -> None:
    """
    Register every resource of the selected stack.

    Raises:
        SizingError: If the configuration or the plan cannot be used, or the plan is stale.
    """
    root, stack = Path(pulumi.get_root_directory()), pulumi.get_stack()
    settings, google = pulumi.Config(), pulumi.Config("gcp")
    spec = spec_from_pulumi_config(settings, catalog=catalog(), root=root)
    plan = load_plan(root, stack)
    check_fresh(plan, spec, stack=stack)
    platform = platform_from_pulumi_config(settings, gcp_project=google.get("project"))
    if not platform.protect:
        pulumi.runtime.register_resource_transform(released)
    secrets = {"api_key": settings.get_secret("api_key"), "hub_token": settings.get_secret("hub_token")}
    match plan.cloud:  # the SDK of the other cloud stays unloaded
        case Cloud.AWS:
            from infra import aws  # noqa: PLC0415

            aws.provision(plan, platform, stack=stack, **secrets)
        case Cloud.GCP:
            from infra import gcp  # noqa: PLC0415

            gcp.provision(plan, platform, stack=stack, **secrets)
