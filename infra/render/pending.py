"""What to do about operations that an interrupted run left behind: the exact commands, in the order to run them.

A refresh settles every operation but a creation, of which only a person can tell whether it happened; what settles it
is `sizeup settle` (infra/apply/settling.py says why it is no option of `pulumi refresh`).
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


def settle_command(stack: str, *, made: Sequence[tuple[str, str]] = ()) -> str:
    """
    The command that settles all pending operations of *stack*.

    Args:
        stack: Name of the stack.
        made: URN and id of every creation that did happen; those that are left out did not.
    """
    words = ["sizeup", "settle", stack, "--yes"]
    for urn, id_ in made:
        words += ["--made", f"{urn}={id_}"]
    return shlex.join(words)


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
    return [
        *lines,
        "# if the cloud does not have what was being created:",
        settle_command(stack),
        "# if it has it (leave out what it does not have; write its id for ID):",
        settle_command(stack, made=[(operation.urn, "ID") for operation in created]),
    ]
