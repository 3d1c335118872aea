"""Asking a person before something is changed; only where one sits at a terminal."""

from __future__ import annotations

import sys

from infra.failures import Refused


def is_attended() -> bool:
    """Whether a person can be asked: the question is on stderr, the answer comes from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def check_attended(*, yes: bool, command: str, as_json: bool) -> None:
    """
    Nothing, where *yes* was given or somebody can be asked, who has then seen what it is about (JSON comes at the end).

    Raises:
        Refused: Before anything is worked out, where nobody could ever say yes.
    """
    if yes or (is_attended() and not as_json):
        return
    why = "--json shows all at the end" if as_json else "this is no terminal"
    raise Refused(
        f"nothing is changed: nobody can be asked, as {why}\n    hint: read what `sizeup preview` shows, then run "
        f"`{command} --yes`"
    )


def confirm(question: str, *, yes: bool) -> None:
    """
    Nothing, where *yes* was given, or the person says so.

    Raises:
        Refused: If the answer is anything else.
    """
    if yes:
        return
    sys.stderr.write(f"{question} Only yes goes on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise Refused("not confirmed; nothing was changed")
