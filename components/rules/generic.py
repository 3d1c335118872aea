"""Rules on any resource of any cloud: keys, texts, names, secrets, protection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from components.graph import Encrypted, Graph, Resource, Secret, Value
from components.rules.reading import Mistake, each, is_absent, is_unknown_or_absent, mapping, must_be, shown, stated
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown

# Maps whose keys are the user's own words, and free-form objects: no key in them is a property of the provider.
FREE_FORM = frozenset(
    {
        "tags", "tagsAll", "defaultTags", "labels", "resourceLabels", "defaultLabels", "annotations", "data",
        "stringData", "binaryData", "metadata", "matchLabels", "nodeSelector", "selector", "limits", "requests",
        "capacity", "allocatable", "parameters", "variables", "environment", "environmentVariables",
        "dimensions", "values", "configurationValues",
    }
)  # fmt: skip
STACK = "pulumi:pulumi:Stack"
OUTPUT_AS_TEXT = "Calling __str__ on an Output[T] is not supported"
SECRET_INPUTS: Mapping[str, tuple[str, ...]] = {
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretString", "secretBinary"),
    "aws:ssm/parameter:Parameter": ("value",),
    "gcp:secretmanager/secretVersion:SecretVersion": ("secretData",),
    "kubernetes:core/v1:Secret": ("data", "stringData"),
    "pulumi:providers:kubernetes": ("kubeconfig",),
    "pulumi:providers:aws": ("secretKey", "token"),
    "pulumi:providers:gcp": ("accessToken", "credentials"),
}
NAMES: Mapping[str, tuple[str, ...]] = {  # types whose names Pulumi makes up, and whose changes may replace them
    "aws:ec2/launchTemplate:LaunchTemplate": ("name",),
    "aws:ec2/placementGroup:PlacementGroup": ("name",),
    "aws:ec2/securityGroup:SecurityGroup": ("name",),
    "aws:iam/policy:Policy": ("name",),
    "aws:iam/role:Role": ("name",),
    "aws:s3/bucket:Bucket": ("bucket",),
}
CHARTS = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Chart", "kubernetes:helm.sh/v4:Chart")
_UNDERSCORED = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")


def _underscored(graph: Graph) -> Iterator[Violation]:
    for resource in graph.resources:
        if resource.custom and not resource.external and not _is_free_form(resource.type):
            for path in _underscored_paths(dict(resource.inputs)):
                key = path.rpartition(".")[2]
                yield Violation(urn=resource.urn, path=path, text=f"{key} is no property: properties are camelCase")


def _is_free_form(kind: str) -> bool:
    """Whether a type's inputs are no provider's: the stack, charts, definitions of custom resources and those."""
    package, _, rest = kind.partition(":")
    group = rest.partition("/")[0]
    if kind == STACK or package != "kubernetes":
        return kind == STACK
    is_own = "." not in group or (group.endswith(".k8s.io") and not group.endswith(".x-k8s.io"))
    return not is_own or group in {"apiextensions.k8s.io", "kustomize", "yaml"}


def _underscored_paths(value: Value, path: str = "") -> Iterator[str]:
    for key, item in mapping(value).items():
        here = f"{path}.{key}" if path else key
        if _UNDERSCORED.match(key):
            yield here
        elif key not in FREE_FORM:
            yield from _underscored_paths(item, here)
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _underscored_paths(item, f"{path}[{place}]")


def _texts_of_outputs(graph: Graph) -> Iterator[Violation]:
    for resource in graph.resources:
        for path in _paths_with(OUTPUT_AS_TEXT, dict(resource.inputs)):
            yield Violation(urn=resource.urn, path=path, text="holds Pulumi's error message instead of a value")


def _paths_with(part: str, value: Value, path: str = "") -> Iterator[str]:
    match value:
        case str() if part in value:
            yield path
        case Secret():
            yield from _paths_with(part, value.value, path)
        case dict():
            for key, item in value.items():
                yield from _paths_with(part, item, f"{path}.{key}" if path else key)
        case list():
            for place, item in enumerate(value):
                yield from _paths_with(part, item, f"{path}[{place}]")


def _child_name(graph: Graph) -> Iterator[Violation]:
    """Two components of one kind must not call their children alike."""
    components = {one.urn: one for one in graph.resources if not one.custom and one.type != STACK}
    for resource in graph.resources:
        parent = components.get(resource.parent or "")
        if parent is not None and not resource.name.startswith(parent.name):
            yield Violation(urn=resource.urn, path="", text=f"is a child of {parent.name}, and does not say so")


def _in_clear(graph: Graph) -> Iterator[Violation]:
    for resource in graph.resources:
        for key in SECRET_INPUTS.get(resource.type, ()) if not resource.external else ():
            for path in _known_texts(resource.inputs.get(key), key):
                yield Violation(
                    urn=resource.urn, path=path, text="is not marked as a secret: it is in the state in clear"
                )


def _known_texts(value: Value, path: str) -> Iterator[str]:
    """Where texts stand that are no secrets; a secret hides all that is in it."""
    match value:
        case Secret() | Encrypted():
            return
        case str() if value:
            yield path
        case dict():
            for key, item in value.items():
                yield from _known_texts(item, f"{path}.{key}")


def _physical_name(resource: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    for key in NAMES[resource.type]:
        name = stated(resource, key)
        if not is_unknown_or_absent(name):
            yield key, f"is {shown(name)}: a replacement cannot be made before the old one is gone"


def _default_tags(provider: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if is_absent(stated(provider, "defaultTags")) and not is_unknown(stated(provider, "defaultTags")):
        yield "defaultTags", "are not stated: what it makes belongs to nobody in the bill"


RULES: tuple[Rule, ...] = (
    Rule(
        id="camel-case-keys",
        severity=Severity.ERROR,
        title="Every key of an input is written as the provider writes it",
        why="A key with an underscore inside a dictionary is sent as it is; the provider drops it or fails at apply",
        mend="use the SDK's argument class instead of a dictionary, or write the key in camelCase",
        origin="pulumi: keys of dictionaries are not translated; measured with pulumi 3.272.0 and its mocks",
        check=_underscored,
    ),
    Rule(
        id="output-in-text",
        severity=Severity.ERROR,
        title="No output was turned into text by an f-string",
        why="the resource gets Pulumi's error message for a value",
        mend="use pulumi.Output.format, concat or apply",
        origin="pulumi 3.272.0 Output.__str__",
        check=_texts_of_outputs,
    ),
    Rule(
        id="secret-in-clear",
        severity=Severity.ERROR,
        title="What opens doors is a secret of the stack",
        why="it is readable in the state, in logs and in every preview",
        mend="use config.require_secret, or pulumi.Output.secret",
        origin="pulumi best practices: plaintext secrets, kubeconfig not secret",
        check=_in_clear,
    ),
    Rule(
        id="child-name",
        severity=Severity.WARNING,
        title="Children of a component begin with its name",
        why="a second component of the kind cannot be made: its children have the same URN or cloud name",
        mend='name children f"{name}-..."',
        origin="pulumi/agent-skills pulumi-component",
        check=_child_name,
    ),
    Rule(
        id="physical-name",
        severity=Severity.WARNING,
        title="Names of what may be replaced are left to Pulumi",
        why="the new one cannot be made while the old one has the name, so the old one goes first",
        mend="leave the name out, or give a prefix",
        origin="pulumi resource names, auto-naming",
        check=each(NAMES, _physical_name),
    ),
    Rule(
        id="provider-region",
        severity=Severity.WARNING,
        title="A provider states its region",
        why="it is taken from whoever runs the program: the same stack lands in another region",
        mend="give region",
        origin="pulumi aws and gcp providers",
        check=must_be(("pulumi:providers:aws", "pulumi:providers:gcp"), "region"),
    ),
    Rule(
        id="provider-tags",
        severity=Severity.WARNING,
        title="The AWS provider tags everything that it makes",
        why="Pulumi does not tag by itself: nobody can tell whose cost it is",
        mend="give default_tags",
        origin="finfocus notes; pulumi aws provider",
        check=each("pulumi:providers:aws", _default_tags),
    ),
    Rule(
        id="cluster-identifier",
        severity=Severity.WARNING,
        title="A Kubernetes provider says which cluster it is for",
        why="a fresh kubeconfig looks like another cluster: every object in it is replaced",
        mend="give cluster_identifier, for example the cluster's endpoint",
        origin="pulumi-kubernetes 4.34.2 provider",
        check=must_be("pulumi:providers:kubernetes", "clusterIdentifier"),
    ),
    Rule(
        id="chart-pinned",
        severity=Severity.WARNING,
        title="Helm charts have a version",
        why="the newest at the time is installed, with everything that changed in it",
        mend="give version",
        origin="pulumi-kubernetes helm resources; ai-on-eks",
        check=must_be(CHARTS, "version"),
    ),
)
