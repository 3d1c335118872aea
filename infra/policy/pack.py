"""The policies of the pack: one for each rule, and one for the cost."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    Severity,
    StackValidationPolicy,
)

from components.graph import Graph
from components.rules import RULES, Rule, violations
from components.rules import Severity as RuleSeverity
from components.rules.waivers import waiver_of
from infra.policy.cap import caps, over_the_cap, plan_of
from infra.policy.sdk import Heard, listen

NAME = "sizeup"
COST = "monthly-cost-cap"
CAP = "usd_per_month"
ROOT = Path(__file__).resolve().parents[2]

_LEVELS = {RuleSeverity.ERROR: EnforcementLevel.MANDATORY, RuleSeverity.WARNING: EnforcementLevel.ADVISORY}
_SEVERITIES = {RuleSeverity.ERROR: Severity.HIGH, RuleSeverity.WARNING: Severity.LOW}

Report = Callable[..., None]


def serve() -> None:
    """Serve the pack to the engine, until the engine ends this process. The port is printed first, and nothing else."""
    heard = listen()
    # The package leaves the port in Python's buffer, where an engine that starts Python buffered never sees it.
    sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(1), "wb", buffering=0), write_through=True)
    PolicyPack(
        NAME,
        policies=[_cost(heard), *(_policy(rule, heard) for rule in RULES)],
        enforcement_level=EnforcementLevel.MANDATORY,
        description="Rules on accelerator infrastructure, and a monthly cost cap",
        display_name="sizeup",
    )


def _policy(rule: Rule, heard: Heard) -> StackValidationPolicy:
    """*rule* as a policy: mandatory where it is an error, advisory where it is a warning."""

    def check(_: Any, report: Report) -> None:
        for message, urn in _violations(rule, heard.graph):
            report(message, urn)

    return StackValidationPolicy(
        rule.id,
        rule.title,
        check,
        enforcement_level=_LEVELS[rule.severity],
        severity=_SEVERITIES[rule.severity],
        remediation_steps=rule.mend,
        display_name=rule.title,
    )


def _violations(rule: Rule, graph: Graph) -> list[tuple[str, str]]:
    """What breaks *rule* and is not waived, as the engine shows it, with the URN."""
    by_urn = {resource.urn: resource for resource in graph.resources}
    found = []
    for _, violation in violations(graph, (rule,)):
        resource = by_urn.get(violation.urn)
        if resource is None or waiver_of(rule, resource) is None:
            what = f"{violation.path}: {violation.text}" if violation.path else violation.text
            found.append((f"{what}\n    why: {rule.why}\n    hint: {rule.mend}", violation.urn))
    return found


def _cost(heard: Heard) -> StackValidationPolicy:
    """The cap: of the pack's configuration, and of the stack's own budget; the lower one holds."""

    def check(args: Any, report: Report) -> None:
        held = caps(pack=args.get_config().get(CAP), config=heard.config)
        over = over_the_cap(heard.graph, held, plan=plan_of(ROOT, heard.graph.stack))
        if over is not None:
            report(f"{over}\n    hint: ask for less and size again, or raise the cap")

    return StackValidationPolicy(
        COST,
        "The stack costs no more a month than it may",
        check,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=PolicyConfigSchema(
            properties={CAP: {"type": "number", "minimum": 0, "description": "the most it may cost, in USD a month"}}
        ),
        remediation_steps="ask for less and size again, or raise the cap",
    )
