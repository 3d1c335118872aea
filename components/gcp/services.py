"""APIs that a project needs switched on before anything in it can be made."""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects

NEEDED = (
    "artifactregistry",
    "binaryauthorization",
    "cloudkms",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "storage",
)


def enable_services(project: str, opts: pulumi.ResourceOptions | None = None) -> list[projects.Service]:
    """The needed APIs of *project*; left on when the stack goes, since others may use them."""
    return [
        projects.Service(
            f"{api}-api", project=project, service=f"{api}.googleapis.com", disable_on_destroy=False, opts=opts
        )
        for api in NEEDED
    ]
