"""Workloads that a plan leaves out, each with what is lacking for it, in the words of the spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sizing.allocation.buying.quotas import quota_name
from sizing.optimiser.conflicts.left_out import Lack, Scarce, Why, why_left_out
from sizing.optimiser.problem import Problem
from sizing.optimiser.purchase import Purchase
from sizing.plan import LeftOut
from sizing.spec.wording import together
from sizing.spec.workload import Spec
from sizing.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from sizing.catalog import Catalog

NOTHING = "nothing that is sold where it may stand can carry it"


def left_out_of(spec: Spec, catalog: Catalog, problem: Problem, bought: Purchase) -> tuple[LeftOut, ...]:
    """
    Each workload that is left out, in the order of the spec, and why.

    Raises:
        ValueError: Where one of them must be served.
    """
    why = {one.workload: one for one in why_left_out(problem, bought)}
    units = {quota_name(told): str(catalog.quota(told.cloud, told.quota).unit) for told in spec.quotas}
    found = []
    for workload in spec.workloads:
        if workload.name in why:
            if workload.priority is None:
                raise ValueError(f"{workload.name} must be served and was left out")
            text = why_text(why[workload.name], units)
            found.append(LeftOut(workload=workload.name, priority=workload.priority, why=text))
    return tuple(found)


def why_text(why: Why, units: Mapping[str, str]) -> str:
    """What is lacking, in words: takes 192 vCPU of L-417A185B in us-east-1, of which 96 of 288 are left."""
    if why.choice is None:
        return NOTHING
    if not why.lacks:  # the search was stopped before it found what would have been possible
        return "the search ended before it found a place for it"
    where = f"as {why.choice.kind.partition(' at ')[0]} on {why.choice.machine} in {why.region} it takes"
    return f"{where} {together(_lack_text(lack, units) for lack in why.lacks)}"


def _lack_text(lack: Lack, units: Mapping[str, str]) -> str:
    left = max(0, lack.left)
    match lack.of:
        case Scarce.QUOTA:
            unit = units.get(lack.name, "units")
            return f"{lack.takes:,} {unit} of {lack.name}, of which {left:,} of {lack.limit:,} are left"
        case Scarce.MACHINES:
            return f"{lack.takes:,} machines of {lack.name}, of which {left:,} of {lack.limit:,} are left"
        case Scarce.TEAM_SLOTS:
            return f"{lack.takes:,} accelerators of team {lack.name}, of which {left:,} of {lack.limit:,} are left"
        case Scarce.TEAM_MONEY:
            told = (_usd_per_month(amount) for amount in (lack.takes, left, lack.limit))
            return "{} USD a month of team {name}, of which {} of {} are left".format(*told, name=lack.name)
        case Scarce.BUDGET:
            told = (_usd_per_month(amount) for amount in (lack.takes, left, lack.limit))
            return "{} USD a month, of which {} of {} are left".format(*told)


def _usd_per_month(micro_usd_per_hour: int) -> str:
    return f"{micro_usd_per_hour * HOURS_PER_MONTH / MICRO_USD_PER_USD:,.0f}"
