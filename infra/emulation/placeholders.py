"""Placeholders in the tables of `facts/`, filled in for one resource.

`{region}` and the like are the cloud's; `{hex:17}` is so many hexadecimal digits, new for each resource; all else is
the path of an input (`{spec.replicas}`). A text that is one placeholder becomes its value, whatever its type.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets
import string
import uuid
import zlib
from collections.abc import Callable, Mapping

from components.graph import Secret, Value
from infra.emulation.nature import ACCOUNT, NO_NAMESPACE, PROJECT_NUMBER, Settings, mapping, nature_of

_PLACEHOLDER = re.compile(r"(?<!\$)\{(?P<name>[A-Za-z_][\w.]*)(?::(?P<length>\d+))?\}")
_UPPER = string.ascii_uppercase + string.digits


class Writer:
    """Fills in placeholders for one resource."""

    def __init__(
        self, *, inputs: Mapping[str, Value], settings: Settings, type_: str, name: str, revision: int
    ) -> None:
        """Fill in for a resource of *type_* and *inputs*, that was changed *revision* times."""
        self.inputs, self.settings, self.type, self.name, self.revision = inputs, settings, type_, name, revision
        self.id = ""
        self._chosen: Value = None  # the name in the cloud, once it is made up

    def __call__(self, template: Value) -> Value:
        """*template* with every placeholder filled in."""
        match template:
            case {"secret": inner, **more} if not more:
                return Secret(self(inner))
            case dict():
                return {key: self(value) for key, value in template.items()}
            case list():
                return [self(item) for item in template]
            case str():
                whole = _PLACEHOLDER.fullmatch(template)
                return self._value(whole) if whole else _PLACEHOLDER.sub(self._as_text, template)
            case _:
                return template

    def _as_text(self, found: re.Match[str]) -> str:
        value = self._value(found)
        return "" if value is None else str(value)

    def _value(self, found: re.Match[str]) -> Value:
        name, length = found["name"], int(found["length"] or 0)
        if length:
            return _RANDOM[name](length)
        own = getattr(self, f"_{name}", None)
        if own is not None:
            answer: Value = own()
            return answer
        return self._input(name)

    def _input(self, path: str) -> Value:
        value: Value = dict(self.inputs)
        for segment in path.split("."):
            value = value.get(segment) if isinstance(value, dict) else None
        return value

    def _id(self) -> Value:
        return self.id

    def _revision(self) -> Value:
        return self.revision

    def _account(self) -> Value:
        return ACCOUNT

    def _project(self) -> Value:
        return self.inputs.get("project") or self.settings.project

    def _project_number(self) -> Value:
        return PROJECT_NUMBER

    def _region(self) -> Value:
        return self.inputs.get("region") or self.settings.region

    def _name_of(self) -> Value:
        """The name in the cloud, chosen or generated; the same wherever it stands."""
        if self._chosen is None:
            self._chosen = self._name_chosen()
        return self._chosen

    def _name_chosen(self) -> Value:
        nature = nature_of(self.type)
        for key in (nature.named, "name", "bucket"):
            if key and self.inputs.get(key):
                return self.inputs[key]
        if nature.unless and self.inputs.get(nature.unless):
            return f"{self.inputs[nature.unless]}{_hex(20)}"
        return self.name

    def _service(self) -> Value:
        return self.inputs.get("service") or self.type.split(":")[1].partition("/")[0]

    def _kind(self) -> Value:
        kind = self.type.rpartition(":")[2]
        return kind[:1].lower() + kind[1:]

    def _cluster_name(self) -> Value:
        return str(self.inputs.get("cluster", "")).rpartition("/")[2]

    def _zone_id(self) -> Value:
        return self.inputs.get("availabilityZoneId") or f"{_zone_prefix(str(self._region()))}-az1"

    def _zone(self) -> Value:
        """`use1-az2` in us-east-1 is called us-east-1b here; in a real account any letter may stand for it."""
        number = int(str(self._zone_id()).rpartition("az")[2] or 1)
        return f"{self._region()}{string.ascii_lowercase[number - 1]}"

    def _labels(self) -> Value:
        labels = self.inputs.get("labels") or self.inputs.get("resourceLabels")
        return {**(labels if isinstance(labels, dict) else {}), "goog-pulumi-provisioned": "true"}

    def _object_id(self) -> Value:
        metadata = mapping(self.inputs.get("metadata", {}))
        name = metadata.get("name", self.name)
        if self.type.rpartition(":")[2] in NO_NAMESPACE:
            return name
        return f"{metadata.get('namespace', 'default')}/{name}"

    def _destination_hash(self) -> Value:
        return zlib.crc32(str(self.inputs.get("destinationCidrBlock", "")).encode())

    def _now(self) -> Value:
        return now()

    def _uuid(self) -> Value:
        return str(uuid.uuid4())

    def _byte(self) -> Value:
        return secrets.randbelow(254) + 1

    def _ip(self) -> Value:
        return f"203.0.113.{self._byte()}"  # of the block that is kept for examples (RFC 5737)

    def _private_ip(self) -> Value:
        return f"10.0.{self._byte()}.{self._byte()}"

    def _certificate(self) -> Value:
        text = f"-----BEGIN CERTIFICATE-----\nemulated {_hex(32)}\n-----END CERTIFICATE-----\n"
        return base64.b64encode(text.encode()).decode()


def _hex(length: int) -> str:
    return secrets.token_hex(length)[:length]


def _upper(length: int) -> str:
    return "".join(secrets.choice(_UPPER) for _ in range(length))


def _digits(length: int) -> str:
    return str(secrets.randbelow(9 * 10 ** (length - 1)) + 10 ** (length - 1))


_RANDOM: Mapping[str, Callable[[int], Value]] = {
    "hex": _hex,
    "upper": _upper,
    "digits": _digits,
    "number": lambda length: int(_digits(length)),
}


def _zone_prefix(region: str) -> str:
    """`use1` of us-east-1: how AWS begins the ids of its zones."""
    area, _, rest = region.partition("-")
    direction, _, number = rest.partition("-")
    return f"{area}{direction[:1]}{number}"


def now() -> str:
    """The time, as the clouds write it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
