"""Default providers, as the engine makes them for resources that name none.

Rules: ProviderRequest.DefaultName and newRegisterDefaultProviderEvent in pkg/resource/deploy of pulumi/pulumi.
"""

from __future__ import annotations

from components.graph import Resource, Value
from infra.recorder.config import Config
from infra.recorder.urns import child_urn

PROVIDER_TYPE_PREFIX = "pulumi:providers:"


def is_provider(type_: str) -> bool:
    """Whether resources of *type_* are providers."""
    return type_.startswith(PROVIDER_TYPE_PREFIX)


def is_default_provider(resource: Resource) -> bool:
    """Whether the engine, not the program, made this provider."""
    return is_provider(resource.type) and (resource.name == "default" or resource.name.startswith("default_"))


def package_of(type_: str) -> str:
    """The package of a resource type: `aws` of `aws:ec2/vpc:Vpc`."""
    return type_.partition(":")[0]


def default_name(version: str, download_url: str = "") -> str:
    """Name of the default provider for a plugin version: `default_7_51_1`; without a version, `default`."""
    name = "default"
    if version:
        name += "_" + version.replace(".", "_").replace("-", "_").replace("+", "_")
    if download_url:
        name += f"_{download_url.removeprefix('https://')}"
    return name


def default_provider(
    *, project: str, stack: str, package: str, version: str, download_url: str, config: Config
) -> Resource:
    """The default provider of *package*, configured from the stack's `package:` keys."""
    type_ = f"{PROVIDER_TYPE_PREFIX}{package}"
    name = default_name(version, download_url)
    inputs: dict[str, Value] = dict(config.of_package(package))
    if version:
        inputs["version"] = version
    return Resource(
        urn=child_urn(stack=stack, project=project, parent=None, type_=type_, name=name),
        type=type_,
        name=name,
        custom=True,
        parent=None,
        provider=None,
        inputs=inputs,
    )
