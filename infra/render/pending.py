"""What to do about operations that an interrupted run left behind: the exact commands, in the order to run them.

Facts of the commands: cmd/pulumi/operations/refresh.go of pulumi/pulumi v3.259.0. `refresh` settles every operation
but a creation, of which only a person can tell whether it happened; --import-pending-creates takes URN and ID in turn.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from infra.diff.changes import PendingOperation
from infra.recorder.urns import parse
from sizing.figures import plural

CREATING = "creating"


def cancel_command(stack: str) -> str:
    """The command that takes away the lock of a run that no longer lives."""
    return f"pulumi cancel --stack {shlex.quote(stack)} --yes"


def settle_command(stack: str, *, imported: Sequence[tuple[str, str]] = (), cleared: bool = False) -> str:
    """
    The command that settles all pending operations of *stack*.

    Args:
        stack: Name of the stack.
        imported: URN and id of every creation that did happen.
        cleared: Whether some creations did not happen.
    """
    words = ["pulumi", "refresh", "--stack", stack, "--yes", "--non-interactive"]
    for urn, id_ in imported:
        words += ["--import-pending-creates", urn, "--import-pending-creates", id_]
    return shlex.join([*words, "--clear-pending-creates"] if cleared else words)


def refusal(stack: str, pending: Sequence[PendingOperation]) -> str:
    """Why nothing can be applied now, each operation with its URN, and the commands that settle them."""
    many = plural(len(pending), "operation")
    lines = [f"{stack}: an interrupted run left {many} whose outcome is not known, so nothing more is applied"]
    for operation in pending:
        lines += [f"  {operation.operation} {parse(operation.urn).name}", f"    {operation.urn}"]
    lines += ["    hint: run these in the project's folder, then sizeup up again:"]
    lines += [f"      {line}" for line in settling_commands(stack, pending)]
    return "\n".join(lines)


def settling_commands(stack: str, pending: Sequence[PendingOperation]) -> list[str]:
    """The commands that settle *pending* in the order to run them, each after a comment that says when."""
    created = [operation for operation in pending if operation.operation == CREATING]
    lines = ["# if the stack is said to be locked, and no other run is under way:", cancel_command(stack)]
    if not created:
        return [*lines, "# take over what the cloud has:", settle_command(stack)]
    if len(created) < len(pending):
        lines.append("# both commands take over what the cloud has of what was being changed or deleted")
    return [
        *lines,
        "# if the cloud does not have what was being created:",
        settle_command(stack, cleared=True),
        "# if it has it (leave out what it does not have; write its id for ID):",
        settle_command(stack, imported=[(operation.urn, "ID") for operation in created], cleared=True),
    ]
