"""Whether a previewed change may be applied: every reason against it, each with its mend. Decides, does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from infra.apply.destruction import Destruction
from infra.apply.parity import Parity, worse
from infra.render import pending
from infra.render.nouns import noun
from infra.render.report import Finding, Report
from sizing.figures import money, plural


def refusal(report: Report, *, max_usd_per_month: float | None, parity: Parity | None, attended: bool) -> str | None:
    """
    Why what *report* shows must not be applied; None where it may.

    Args:
        report: Our preview, compared with the state as deployed.
        max_usd_per_month: What the whole stack may cost, beside the budget in its file.
        parity: How the engine's preview compares; None where the engine was not asked yet.
        attended: Whether a person reads the differences and is asked.
    """
    if report.resources.pending:
        return pending.refusal(report.stack, report.resources.pending)
    reasons = [
        *_findings(report.findings),
        *_cost(report, max_usd_per_month),
        *(() if parity is None or attended else _unseen(report.stack, parity)),
    ]
    if not reasons:
        return None
    head = f"{report.stack} is not applied, for {plural(len(reasons), 'reason')}"
    return "\n".join([head, *reasons])


def destruction_refusal(found: Destruction) -> str | None:
    """Why the stack must not be taken down: pending operations, or what is protected and how to release it."""
    if found.changes.pending:
        return pending.refusal(found.stack, found.changes.pending)
    held = found.protected
    if not held:
        return None
    many = f"{plural(len(held), 'resource')} {'is' if len(held) == 1 else 'are'} protected"
    lines = [f"{found.stack} is not taken down: {many}, as data or access would be lost with it"]
    lines += [
        f"  {step.name} ({noun(step.type)}){' and guarded by the cloud' * (step in found.guarded)}" for step in held
    ]
    lines += [
        "    hint: where all of it may go, in two steps:",
        f"      write `protect: false` under sizeup:platform in stacks/Pulumi.{found.stack}.yaml, and",
        f"      sizeup up {found.stack}, then sizeup destroy {found.stack}",
    ]
    if not found.guarded:
        lines.append("    or release single ones:")
        lines += [f"      pulumi state unprotect '{step.urn}' --stack {found.stack} --yes" for step in held]
    return "\n".join(lines)


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.stops:
            hint = f"\n    hint: {finding.mend}" if finding.mend else ""
            yield f"  {finding.rule} {finding.subject}: {finding.text}{hint}"


def _cost(report: Report, max_usd_per_month: float | None) -> Iterator[str]:
    """The limit of this run; the budget of the stack's file is a finding."""
    after = report.cost.after
    if max_usd_per_month is None or after.usd_per_month <= max_usd_per_month:
        return
    unknown = f", and {plural(len(after.unknown), 'price')} not known" if after.unknown else ""
    yield (
        f"  it would cost {money(after.usd_per_month)} USD/month{unknown}; --max-usd-per-month allows "
        f"{money(max_usd_per_month)}\n    hint: ask for less and size again, or allow more"
    )


def _unseen(stack: str, parity: Parity) -> Iterator[str]:
    """What nobody would have seen before the engine did it."""
    for found in worse(parity.differences):
        yield (
            f"  the engine would {found.engine} {found.name}, where the preview says {found.ours}"
            f"{f' ({found.detail})' if found.detail else ''}\n"
            f"    hint: look at `sizeup preview {stack} --engine`, and confirm on a terminal, without --yes"
        )
