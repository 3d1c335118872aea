"""Rules on any resource, by example."""

from __future__ import annotations

from tests.components.rules.case import Case
from tests.resources import graph, resource

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

CASES = [
    Case(
        rule="camel-case-keys",
        keeps=graph(
            resource(TEMPLATE, inputs={"metadataOptions": {"httpTokens": "required"}, "tags": {"cost_center": "ml"}})
        ),
        breaks=graph(resource(TEMPLATE, inputs={"metadataOptions": {"http_tokens": "required"}})),
        at="metadataOptions.http_tokens",
    ),
]
