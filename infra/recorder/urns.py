"""URNs as the engine makes them, and the aliases that it tries on the way to a resource's old name.

A URN is `urn:pulumi:<stack>::<project>::<qualified type>::<name>`. The qualified type is the chain of the types of all
parents, joined by `$`, without the root stack. Rules: sdk/go/common/resource/urn/urn.go and generateAliases in
pkg/resource/deploy/step_generator.go of pulumi/pulumi (v3.259).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ROOT_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Urn:
    """The four parts of a URN."""

    stack: str
    project: str
    qualified_type: str
    name: str

    def __str__(self) -> str:
        """As the engine writes it."""
        return f"urn:pulumi:{self.stack}::{self.project}::{self.qualified_type}::{self.name}"

    @property
    def type(self) -> str:
        """The resource's own type, without its parents'."""
        return self.qualified_type.rpartition("$")[2]


def parse(urn: str) -> Urn:
    """The parts of *urn*; a name may itself hold `::`.

    Raises:
        ValueError: If *urn* is no URN.
    """
    parts = urn.removeprefix("urn:pulumi:").split("::", 3)
    if not urn.startswith("urn:pulumi:") or len(parts) != 4:
        raise ValueError(f"{urn!r} is not a URN")
    stack, project, qualified_type, name = parts
    return Urn(stack=stack, project=project, qualified_type=qualified_type, name=name)


def child_urn(*, stack: str, project: str, parent: str | None, type_: str, name: str) -> str:
    """The URN of a resource below *parent* (a URN, or nothing for the stack itself and for default providers)."""
    qualified = type_
    if parent:
        above = parse(parent).qualified_type
        if above != ROOT_TYPE:
            qualified = f"{above}${type_}"
    return str(Urn(stack=stack, project=project, qualified_type=qualified, name=name))


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasSpec:
    """An alias by its differences: what is empty is as in the resource itself."""

    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""  # URN; empty means the same parent
    no_parent: bool = False


def alias_urn(alias: AliasSpec | str, *, own: str, parent: str | None) -> str:
    """The URN that *alias* of the resource *own* below *parent* stands for."""
    if isinstance(alias, str):
        return alias
    me = parse(own)
    return child_urn(
        stack=alias.stack or me.stack,
        project=alias.project or me.project,
        parent=None if alias.no_parent else (alias.parent or parent),
        type_=alias.type or me.type,
        name=alias.name or me.name,
    )


def all_aliases(
    aliases: Iterable[AliasSpec | str], *, own: str, parent: str | None, parent_aliases: Iterable[str]
) -> tuple[str, ...]:
    """
    Every URN that the resource *own* may have had: its own aliases, and both under each old name of its parent.

    A child named after its parent (`app-bucket` under `app`) is looked for under the parent's old name as well
    (`shop-bucket` under `shop`), as the engine does.
    """
    mine = [alias_urn(alias, own=own, parent=parent) for alias in aliases]
    found = dict.fromkeys(mine)
    parent_name = parse(parent).name if parent else ""
    for parent_alias in parent_aliases:
        old_parent = parse(parent_alias)
        for candidate in (own, *mine):
            child = parse(candidate)
            name = child.name
            if name.startswith(parent_name):
                name = old_parent.name + name.removeprefix(parent_name)
            found[
                child_urn(
                    stack=old_parent.stack,
                    project=old_parent.project,
                    parent=parent_alias,
                    type_=child.type,
                    name=name,
                )
            ] = None
    found.pop(own, None)
    return tuple(found)
