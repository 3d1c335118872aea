"""`tagsAll`: what the AWS provider adds to a state by itself is no change of the program, and follows its defaults."""

from __future__ import annotations

import json

from components.graph import Secret, Unknown, Value
from infra.diff.all_tags import with_all_tags

VPC = "aws:ec2/vpc:Vpc"
OURS = {"defaultTags": json.dumps({"tags": {"owner": "ml", "stack": "chat"}})}


def test_a_state_holds_the_own_tags_over_the_default_ones():
    """Own tags win: {owner: ml, stack: chat} under {stack: dev} is {owner: ml, stack: dev}."""
    wanted = with_all_tags({"tags": {"stack": "dev"}}, old={"tagsAll": {}}, type_=VPC, provider_inputs=OURS)
    assert wanted["tagsAll"] == {"owner": "ml", "stack": "dev"}


def test_without_own_tags_the_default_ones_are_all():
    """Most resources name no tags."""
    assert with_all_tags({}, old={"tagsAll": {}}, type_=VPC, provider_inputs=OURS)["tagsAll"] == {
        "owner": "ml",
        "stack": "chat",
    }


def test_a_resource_whose_state_holds_no_such_tags_stays_as_the_program_says():
    """Neither types without tags nor other clouds get any."""
    wanted = {"cidrBlock": "10.0.0.0/16"}
    assert with_all_tags(wanted, old={}, type_=VPC, provider_inputs=OURS) == wanted
    labels = with_all_tags(wanted, old={"tagsAll": {}}, type_="gcp:compute/network:Network", provider_inputs=OURS)
    assert labels == wanted


def test_what_the_provider_ignores_is_in_no_state():
    """The input ignoreTags takes tags away by key and by prefix."""
    ignoring = {**OURS, "ignoreTags": json.dumps({"keys": ["owner"], "keyPrefixes": ["cost/"]})}
    own: dict[str, Value] = {"tags": {"cost/centre": "4711", "a": "b"}}
    wanted = with_all_tags(own, old={"tagsAll": {}}, type_=VPC, provider_inputs=ignoring)
    assert wanted["tagsAll"] == {"stack": "chat", "a": "b"}


def test_unknown_and_secret_tags_stay_unknown_and_secret():
    """Nothing is guessed and nothing is shown."""
    old: dict[str, Value] = {"tagsAll": {}}
    unknown = with_all_tags({"tags": Unknown()}, old=old, type_=VPC, provider_inputs=OURS)
    secret = with_all_tags({"tags": Secret({"a": "b"})}, old=old, type_=VPC, provider_inputs={})
    assert unknown["tagsAll"] == Unknown()
    assert secret["tagsAll"] == Secret({"a": "b"})
