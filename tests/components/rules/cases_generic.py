"""Rules on any resource, by example."""

from __future__ import annotations

from components.graph import Graph, Secret, Unknown
from tests.components.rules.case import Case
from tests.resources import component, graph, resource

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

AWS = "pulumi:providers:aws"
KUBERNETES = "pulumi:providers:kubernetes"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  a type
POOL = component("sizeup:index:AwsNodePool", "gpu")
AS_TEXT = "arn of Calling __str__ on an Output[T] is not supported.\n\nTo get the value"


def one(kind: str, **inputs: object) -> Graph:
    """A graph of one resource."""
    return graph(resource(kind, inputs=inputs))


CASES = [
    Case(
        rule="camel-case-keys",
        keeps=graph(
            resource(TEMPLATE, inputs={"metadataOptions": {"httpTokens": "required"}, "tags": {"cost_center": "ml"}})
        ),
        breaks=graph(resource(TEMPLATE, inputs={"metadataOptions": {"http_tokens": "required"}})),
        at="metadataOptions.http_tokens",
    ),
    Case(
        rule="camel-case-keys",
        note="custom resources have keys of their own",
        keeps=one("kubernetes:monitoring.coreos.com/v1alpha1:ScrapeConfig", spec={"scrape_interval": "30s"}),
        breaks=one("kubernetes:apps/v1:Deployment", spec={"min_ready_seconds": 5}),
        at="spec.min_ready_seconds",
    ),
    Case(
        rule="output-in-text",
        keeps=one("aws:iam/rolePolicy:RolePolicy", policy=Unknown()),
        breaks=one("aws:iam/rolePolicy:RolePolicy", policy=AS_TEXT),
        at="policy",
    ),
    Case(
        rule="secret-in-clear",
        keeps=one(SECRET, stringData=Secret({"token": "abc"})),
        breaks=one(SECRET, stringData={"token": "abc", "other": Secret("def")}),
        at="stringData.token",
    ),
    Case(
        rule="secret-in-clear",
        note="kubeconfig",
        keeps=one(KUBERNETES, kubeconfig=Secret("{}")),
        breaks=one(KUBERNETES, kubeconfig="{}"),
        at="kubeconfig",
    ),
    Case(
        rule="child-name",
        keeps=graph(POOL, resource(TEMPLATE, "gpu-template", parent=POOL)),
        breaks=graph(POOL, resource(TEMPLATE, "template", parent=POOL)),
        at="",
        on="template",
    ),
    Case(
        rule="physical-name",
        keeps=one(TEMPLATE, namePrefix="gpu-"),
        breaks=one(TEMPLATE, name="gpu"),
        at="name",
    ),
    Case(rule="provider-region", keeps=one(AWS, region="us-east-1"), breaks=one(AWS), at="region"),
    Case(
        rule="provider-tags",
        keeps=one(AWS, defaultTags='{"tags": {"owner": "ml"}}'),
        breaks=one(AWS, region="us-east-1"),
        at="defaultTags",
    ),
    Case(
        rule="cluster-identifier",
        keeps=one(KUBERNETES, clusterIdentifier="https://a"),
        breaks=one(KUBERNETES),
        at="clusterIdentifier",
    ),
    Case(
        rule="chart-pinned",
        keeps=one("kubernetes:helm.sh/v4:Chart", chart="kueue", version="0.14.4"),
        breaks=one("kubernetes:helm.sh/v4:Chart", chart="kueue"),
        at="version",
    ),
]
