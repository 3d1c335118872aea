"""Rules read inputs that are there: the examples of every rule, held against the types of the SDKs themselves."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from infra.preview.validation import Finding, Severity, findings, unchecked_types
from tests.components.rules.case import Case
from tests.components.rules.test_cases import CASES

MODULES = {
    "pulumi_aws": "cloudwatch ec2 ecr efs eks fsx iam kms s3 secretsmanager vpc",
    "pulumi_gcp": "artifactregistry compute container kms lustre projects serviceaccount servicenetworking storage",
    "pulumi_kubernetes": "apps.v1 autoscaling.v2 core.v1 helm.v4 networking.v1 policy.v1 rbac.v1",
}


@pytest.fixture(scope="module", autouse=True)
def sdks() -> None:
    """The SDKs loaded, as a program that uses these types loads them."""
    for package, modules in MODULES.items():
        for name in modules.split():
            importlib.import_module(f"{package}.{name}")


def misspelt(case: Case) -> Iterator[Finding]:
    """Keys that their types do not have; what an example leaves out does not count."""
    for graph in (case.keeps, case.breaks):
        yield from (
            one for one in findings(graph) if one.severity is Severity.ERROR and "required and missing" not in one.what
        )


def test_every_key_in_an_example_is_a_property_of_its_type():
    """A rule on a key that no type has would never be broken by anybody."""
    wrong = {(one.type, one.path) for case in CASES if case.rule != "camel-case-keys" for one in misspelt(case)}
    assert wrong == set()


def test_every_type_in_an_example_is_one_of_an_sdk():
    """But for the custom resource whose keys are its own."""
    unknown = {kind for case in CASES for graph in (case.keeps, case.breaks) for kind in unchecked_types(graph)}
    assert unknown == {"kubernetes:monitoring.coreos.com/v1alpha1:ScrapeConfig"}
