"""What breaks a rule is told without secrets."""

from __future__ import annotations

from components.graph import Secret
from components.rules import RULES, violations
from tests.components.rules.gke import pool
from tests.resources import graph

BY_ID = {rule.id: rule for rule in RULES}


def told(image: object) -> list[str]:
    """What is said of a node image of that name, which has to be Container-Optimized OS."""
    return [found.text for _, found in violations(graph(pool(node={"imageType": image})), [BY_ID["gke-node-image"]])]


def test_a_value_that_is_no_secret_is_told():
    """So that the next test means something."""
    assert told("UBUNTU") == ["is UBUNTU, not COS_CONTAINERD"]


def test_a_secret_value_still_breaks_a_rule_and_is_not_told():
    """The rule reads it; nobody else does."""
    assert told(Secret("UBUNTU")) == ["is [secret], not COS_CONTAINERD"]


def test_a_long_secret_is_not_told_in_part():
    """Messages cut texts of more than 60 characters, and 57 characters of a key are most of it."""
    assert told(Secret("k" * 80)) == ["is [secret], not COS_CONTAINERD"]


def test_a_secret_beside_it_that_is_a_part_of_a_word_changes_nothing():
    """A one-letter secret elsewhere would otherwise hide half of every message."""
    resources = pool("other", node={"metadata": {"pin": Secret("i")}}), pool(node={"imageType": "UBUNTU"})
    found = violations(graph(*resources), [BY_ID["gke-node-image"]])
    assert [one.text for _, one in found] == ["is UBUNTU, not COS_CONTAINERD"]
