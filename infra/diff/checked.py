"""The inputs that a provider's check makes of a program's, as far as they can be known without it.

A state holds checked inputs: with what the provider adds unasked, in places that its list of defaults does not name.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.graph import Value
from infra.diff.all_tags import with_all_tags

REGION = "region"


def checked_inputs(
    wanted: Mapping[str, Value], *, old: Mapping[str, Value], type_: str, provider_inputs: Mapping[str, Value]
) -> Mapping[str, Value]:
    """
    The inputs *wanted* as the provider would leave them; *old* tells, which of them it adds.

    Args:
        wanted: What the program says of the resource.
        old: What the state records of it.
        type_: Its type.
        provider_inputs: The inputs of its provider.
    """
    tagged = with_all_tags(wanted, old=old, type_=type_, provider_inputs=provider_inputs)
    return _with_region(tagged, old=old, type_=type_, provider_inputs=provider_inputs)


def _with_region(
    wanted: Mapping[str, Value], *, old: Mapping[str, Value], type_: str, provider_inputs: Mapping[str, Value]
) -> Mapping[str, Value]:
    """
    *wanted* with the provider's region where the program gives none.

    The AWS provider writes it into the inputs before it checks them (pulumi/pulumi-aws provider/region.go, applyRegion,
    72bd522), so that a resource moves along with its provider. A region from the environment is taken as unchanged.
    """
    if not type_.startswith("aws:") or REGION not in old or wanted.get(REGION) is not None:
        return wanted
    region = provider_inputs.get(REGION)
    return {**wanted, REGION: old[REGION] if region is None else region}
