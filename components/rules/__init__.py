"""
Rules across resources, with ids: what must be true of a graph, whoever built it.

    for rule, violation in violations(graph): ...

Used three times: components refuse arguments that would break one, the preview shows what breaks one, and a Pulumi
policy pack runs them in front of any program. Knows neither Pulumi nor a cloud's SDK, so that all three can.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.graph import Graph
from components.rules import (
    aws_capacity,
    aws_cluster,
    aws_fabric,
    aws_files,
    aws_identity,
    aws_network,
    aws_nodes,
    aws_storage,
    aws_templates,
    gcp,
    generic,
    kubernetes_objects,
    kubernetes_pods,
    kubernetes_scheduling,
    kubernetes_serving,
)
from components.rules.masking import secrets_of, without_secrets
from components.rules.rule import Rule, Severity, Violation

__all__ = ["RULES", "DuplicateRule", "Rule", "Severity", "Violation", "catalogue", "violations"]


class DuplicateRule(ValueError):
    """Two rules have one id, so that a waiver would cover both."""


def catalogue(*groups: Iterable[Rule]) -> tuple[Rule, ...]:
    """
    All rules of *groups*, in their order.

    Raises:
        DuplicateRule: If an id is given twice.
    """
    found: dict[str, Rule] = {}
    for group in groups:
        for rule in group:
            if rule.id in found:
                raise DuplicateRule(f"two rules are called {rule.id}")
            found[rule.id] = rule
    return tuple(found.values())


RULES = catalogue(
    generic.RULES,
    aws_network.RULES,
    aws_cluster.RULES,
    aws_nodes.RULES,
    aws_templates.RULES,
    aws_fabric.RULES,
    aws_capacity.RULES,
    aws_storage.RULES,
    aws_files.RULES,
    aws_identity.RULES,
    gcp.RULES,
    kubernetes_pods.RULES,
    kubernetes_scheduling.RULES,
    kubernetes_serving.RULES,
    kubernetes_objects.RULES,
)


def violations(graph: Graph, rules: Iterable[Rule] = RULES) -> tuple[tuple[Rule, Violation], ...]:
    """Every place where *graph* breaks one of *rules*, waived or not, in the order of the rules; no secret is told."""
    found = [(rule, violation) for rule in rules for violation in rule.check(graph)]
    secrets = secrets_of(graph) if found else []
    return tuple((rule, without_secrets(violation, secrets)) for rule, violation in found)
