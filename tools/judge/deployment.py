"""What each registration would come back with after a deployment, so that documents made from ARNs can be read.

Offline a bucket's policy is unknown, since the ARN in it is. Here every output that a program may read has a made-up
value of the right form, and each made-up text is remembered: where it turns up in another resource's inputs, that
resource refers to this one.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.graph import Resource, Unknown, Value
from infra.recorder import sdk
from infra.recorder.answers import Answer, created

ACCOUNT = "111122223333"  # the account of AWS's own examples
REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a made-up text comes from."""

    urn: str
    output: str  # wire name: arn, id, vpcConfig.clusterSecurityGroupId


@dataclass(slots=True)
class Deployment:
    """Answers of a cloud in which everything could be built; remembers which text is whose."""

    origins: dict[str, Origin] = field(default_factory=dict)

    def answer(self, resource: Resource) -> Answer:
        """Inputs as they were given, and a value for each output that the cloud fills in."""
        known = created(resource)
        if not resource.custom:
            return known
        identifier = self._made(resource, "id")
        kind = sdk.resource_class(resource.type)
        if kind is None or resource.type.startswith("kubernetes:"):
            return Answer(id=identifier, outputs=known.outputs)
        fields = sdk.output_types(kind)
        outputs = {
            key: self._filled(resource, known.outputs.get(key, Unknown()), fields[key], key)
            for key in fields
            if key != "id"
        }
        return Answer(id=identifier, outputs=outputs)

    def _filled(self, resource: Resource, value: Value, kind: object, path: str) -> Value:
        """*value*, or where it is unknown one of type *kind*; objects that nobody gave stay unknown."""
        if isinstance(value, Unknown):
            examples: dict[object, Value] = {int: 1, float: 1.0, bool: True}
            if kind is str:
                return self._made(resource, path)
            if sdk.is_output_type(kind) and path.count(".") < 2:
                return self._object(resource, {}, typing.cast("type", kind), path)
            return examples.get(kind, value)
        if isinstance(value, dict) and sdk.is_output_type(kind):
            return self._object(resource, value, typing.cast("type", kind), path)
        return value

    def _object(self, resource: Resource, value: Mapping[str, Value], kind: type, path: str) -> dict[str, Value]:
        fields = sdk.output_types(kind)
        return {key: self._filled(resource, value.get(key, Unknown()), fields[key], f"{path}.{key}") for key in fields}

    def _made(self, resource: Resource, output: str) -> str:
        text = _text(resource, output)
        origin = Origin(urn=resource.urn, output=output)
        if self.origins.setdefault(text, origin) != origin:  # two resources of one name
            text = f"{text}-{len(self.origins)}"
            self.origins[text] = origin
        return text


def _text(resource: Resource, output: str) -> str:
    """A text of the form that the cloud gives this output."""
    package, _, rest = resource.type.partition(":")
    service = rest.partition("/")[0]
    kind = resource.type.rpartition(":")[2].lower()
    match output:
        case "arn" if service == "s3":
            return f"arn:aws:s3:::{resource.name}-1a2b"
        case "arn" if service == "iam":
            return f"arn:aws:iam::{ACCOUNT}:{kind}/{resource.name}-1a2b"
        case "arn":
            return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}/{resource.name}-1a2b"
        case "email" if package == "gcp":
            return f"{resource.name}@example.iam.gserviceaccount.com"
        case "member" if package == "gcp":
            return f"serviceAccount:{resource.name}-{kind}@example.iam.gserviceaccount.com"
        case _:
            return f"{kind}-{resource.name}-{output.replace('.', '-').lower()}"
