"""How `sizeup:platform` is written, and reading it into a `Platform`: every mistake at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema

from components.platform import Platform
from components.versions import packaged_pins
from sizing.errors import InvalidSpec
from sizing.spec.fields import Form
from sizing.spec.mistake import mistake, problems_of
from sizing.spec.wording import did_you_mean

_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/\S+|(group|user|serviceAccount):[^\s@]+@[^\s@]+\.[^\s@]+"
)
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{1,63}")  # what Google Cloud takes; AWS takes more
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(:[\w][\w.-]*|@sha256:[0-9a-f]{64})")

_BY_COMPONENT = {
    "type": "object",
    "propertyNames": {"enum": list(packaged_pins().components)},
    "additionalProperties": {"type": "string"},
}


def _principal(principal: str) -> str:
    if not _PRINCIPAL.fullmatch(principal):
        raise mistake(
            f"{principal} is no principal",
            "give an IAM role or user (arn:aws:iam::123456789012:role/ops), or group:ops@example.com on Google Cloud",
        )
    return principal


def _network(cidr: str) -> str:
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError as error:
        raise mistake(f"{cidr} is no network: {error}", "give a network like 203.0.113.0/24") from None
    if network.prefixlen == 0:
        raise mistake(f"{cidr} opens the Kubernetes API to everyone", "give your own network, like 203.0.113.0/24")
    return cidr


def _label(value: str) -> str:
    if not _LABEL_VALUE.fullmatch(value):
        raise mistake(f"{value} cannot be a label on both clouds", "use lower-case letters, digits, - and _, up to 63")
    return value


def _of_components(values: dict[str, str]) -> dict[str, str]:
    components = packaged_pins().components
    for name in values:
        if name not in components:
            mend = did_you_mean(name, components, otherwise=f"components: {', '.join(components)}")
            raise mistake(f"{name} is no component", mend)
    return values


def _images(values: dict[str, str]) -> dict[str, str]:
    for name, image in values.items():
        if not _IMAGE.fullmatch(image) or image.endswith(":latest"):
            raise mistake(f"{name}: {image} is no image with a fixed tag or digest", "give registry/name:tag")
    return _of_components(values)


def _labels(values: dict[str, str]) -> dict[str, str]:
    for name, value in values.items():
        if not _LABEL_KEY.fullmatch(name):
            raise mistake(f"{name} cannot be a label on both clouds", "start with a letter, then as label values")
        _label(value)
    return values


def _each_is_text(what: str) -> Callable[[dict[str, object]], dict[str, str]]:
    """Checks that every value is text: YAML reads an unquoted 1.30 as the number 1.3."""

    def check(values: dict[str, object]) -> dict[str, str]:
        for name, value in values.items():
            if not isinstance(value, str):
                raise mistake(f"{what} of {name} is {value}, but must be text, in quotes", f'write {name}: "{value}"')
        return {name: str(value) for name, value in values.items()}

    return check


class PlatformForm(Form):
    """Settings that are no sizing decision; changing one never makes a plan stale."""

    kubernetes_version: Annotated[
        str | None,
        Field(
            pattern=r"^1\.[0-9]+(\.[0-9]+(-gke\.[0-9]+)?)?$",
            description="the Kubernetes version of the cluster, in quotes (default: as pinned)",
            examples=['"1.35"'],
        ),
    ] = None
    versions: Annotated[
        dict[str, str | float | int | bool | None],
        AfterValidator(_each_is_text("version")),
        AfterValidator(_of_components),
        WithJsonSchema(_BY_COMPONENT),
        Field(
            default_factory=dict,
            description="the versions by component, before the pinned ones",
            examples=[{"eks.addon.pod-identity-agent": "1.3.8-eksbuild.2"}],
        ),
    ]
    images: Annotated[
        dict[str, str],
        AfterValidator(_images),
        WithJsonSchema(_BY_COMPONENT),
        Field(
            default_factory=dict,
            description="the container images by component",
            examples=[{"vllm": "vllm/vllm-openai:v0.27.1"}],
        ),
    ]
    admin_principals: Annotated[
        list[Annotated[str, AfterValidator(_principal)]],
        Field(
            default_factory=list,
            description="who administers the cluster: IAM role or user ARNs, or group:... on Google Cloud",
            examples=[["arn:aws:iam::123456789012:role/ops"]],
        ),
    ]
    api_access_cidrs: Annotated[
        list[Annotated[str, AfterValidator(_network)]],
        Field(
            default_factory=list,
            description="the networks that may reach the Kubernetes API from outside; empty: private only",
            examples=[["203.0.113.0/24"]],
        ),
    ]
    owner: Annotated[
        Annotated[str, AfterValidator(_label)] | None,
        Field(description="who answers for the cost, as a label", examples=["ml-platform"]),
    ] = None
    labels: Annotated[
        dict[str, str],
        AfterValidator(_labels),
        Field(
            default_factory=dict,
            description="more labels on everything that costs money",
            examples=[{"cost-centre": "4711"}],
        ),
    ]
    protect: Annotated[
        bool,
        Field(
            strict=True,
            description="whether clusters, keys and buckets are protected from deletion; false: the step before "
            "`sizeup destroy`",
        ),
    ] = True


def read_platform(written: object, *, gcp_project: str | None, source: str, prefix: str) -> Platform:
    """
    The platform settings as *written* under *prefix*; all default where nothing is.

    Raises:
        InvalidSpec: With every mistake.
    """
    written = {} if written is None else written
    try:
        form = PlatformForm.model_validate(written)
    except ValidationError as error:
        problems = problems_of(error, written=written, form=PlatformForm, prefix=f"{prefix}.")
        raise InvalidSpec(problems, source=source) from None
    return Platform(
        kubernetes_version=form.kubernetes_version,
        versions=_texts(form.versions),
        images=form.images,
        admin_principals=tuple(form.admin_principals),
        api_access_cidrs=tuple(form.api_access_cidrs),
        owner=form.owner,
        labels=form.labels,
        protect=form.protect,
        gcp_project=gcp_project,
    )


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
