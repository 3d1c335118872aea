"""Settings of the platform that are no sizing decision: versions, access, ownership. Reading them is `infra.stack`'s.

They are not part of the spec: changing one never makes a plan stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from components.versions import Pin, Pins, packaged_pins
from sizing.catalog.machine import Cloud
from sizing.errors import SizingError

DELETION_GUARDS = ("deletionProtection", "enableDeletionProtection")  # inputs by which a cloud refuses to delete

_NOTHING: Mapping[str, str] = MappingProxyType({})


class MissingSetting(SizingError):
    """What is built needs settings that the stack does not give and no source tells; names all that lack."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        """Keep *missing*: keys of the stack file to why each is needed."""
        self.missing = missing
        count = "1 setting is" if len(missing) == 1 else f"{len(missing)} settings are"
        lines = [f"{count} missing in the stack file", *(f"  {key}: {why}" for key, why in missing.items())]
        super().__init__("\n".join([*lines, "    hint: state it; sizeup invents no version, image or account"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What the components need beside the plan; overrides of a stack come before the packaged pins."""

    kubernetes_version: str | None = None  # minor (1.35), or a full GKE version; None: as pinned
    versions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)  # component to version
    images: Mapping[str, str] = field(default_factory=lambda: _NOTHING)  # component to container image
    admin_principals: tuple[str, ...] = ()  # AWS: IAM role or user ARNs; GCP: group:a@b, user:a@b
    api_access_cidrs: tuple[str, ...] = ()  # who may reach the Kubernetes API from outside; empty: private only
    owner: str | None = None  # who answers for the cost
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)  # more cost labels
    protect: bool = True  # False: nothing is protected from deletion, so that the stack can be taken down
    gcp_project: str | None = None  # of gcp:project
    pins: Pins = field(default_factory=packaged_pins, repr=False)

    def kubernetes(self, cloud: Cloud) -> str:
        """The Kubernetes version of the cluster: EKS 1.35; GKE 1.35.7-gke.1222000, or a prefix of one."""
        if self.kubernetes_version is not None:
            return self.kubernetes_version
        component = "eks.kubernetes" if cloud is Cloud.AWS else "gke.kubernetes"
        return self.version(component)

    def kubernetes_minor(self, cloud: Cloud) -> str:
        """Major and minor version only: 1.35."""
        return ".".join(self.kubernetes(cloud).split(".")[:2])

    def version(self, component: str, *, kubernetes: str | None = None) -> str:
        """
        Version of *component* without a leading v, for a Kubernetes minor version where it depends on that.

        Raises:
            MissingSetting: If neither the stack nor a source tells one.
        """
        return self.required(component, kubernetes=kubernetes)[component]

    def required(self, *components: str, kubernetes: str | None = None) -> Mapping[str, str]:
        """
        Versions of all *components* by name: overrides of the stack first, then the pins.

        Raises:
            MissingSetting: Naming every one that has neither, at once.
        """
        found = {name: self._version_or_none(name, kubernetes) for name in components}
        missing = [name for name, version in found.items() if version is None]
        if missing:
            raise MissingSetting({f"sizeup:platform.versions.{name}": self._why_missing(name) for name in missing})
        return {name: version.removeprefix("v") for name, version in found.items() if version is not None}

    def image(self, component: str, *, kubernetes: str | None = None) -> str:
        """
        Container image of *component*: the stack's, else the pinned one at the stack's version.

        For a Kubernetes minor version where it depends on that.

        Raises:
            MissingSetting: If neither the stack nor a source tells one.
        """
        if component in self.images:
            return self.images[component]
        pin = self.pins.find(component, kubernetes=kubernetes)
        if pin is None or pin.image is None:
            raise MissingSetting({f"sizeup:platform.images.{component}": self._why_missing(component)})
        return pin.image.replace(pin.version, self.version(component, kubernetes=kubernetes))

    def project(self) -> str:
        """
        The Google Cloud project that everything is created in.

        Raises:
            MissingSetting: If the stack names none.
        """
        if self.gcp_project is None:
            raise MissingSetting({"gcp:project": "is required, as everything is created in a project"})
        return self.gcp_project

    def pin(self, component: str, *, kubernetes: str | None = None) -> Pin | None:
        """The packaged pin with its source and date; None where no source tells, or the stack overrides it."""
        if component in self.versions or component in self.images:
            return None
        return self.pins.find(component, kubernetes=kubernetes)

    def _why_missing(self, component: str) -> str:
        why = next((row.why for row in self.pins.unpinned if row.component == component), "no source tells one")
        return f"is required: {why}"

    def _version_or_none(self, component: str, kubernetes: str | None) -> str | None:
        if component in self.versions:
            return self.versions[component]
        pin = self.pins.find(component, kubernetes=kubernetes)
        return None if pin is None else pin.version
