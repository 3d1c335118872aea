"""What an account has, from how it was written to values: names become clouds and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.spec.capacity import CapacityBlock, Commitments, OwnedCommitment, QuotaLimit, Reservation, TeamQuota
from sizing.spec.schedule import Window

if TYPE_CHECKING:  # pydantic is imported when a spec is read, not with the library
    from sizing.spec.capacity_form import CapacityBlockForm, CommitmentsForm, ReservationForm
    from sizing.spec.form import SpecForm
    from sizing.spec.known import Known

TERMS = {"1y": PurchaseMode.COMMITTED_1Y, "3y": PurchaseMode.COMMITTED_3Y}


def quota_limits(form: SpecForm, known: Known) -> tuple[QuotaLimit, ...]:
    """The quotas that are told."""
    return tuple(
        QuotaLimit(cloud=known.quota(one.quota).cloud, quota=one.quota, region=one.region, limit=one.limit)
        for one in form.quotas
    )


def reservation(form: ReservationForm, known: Known) -> Reservation:
    """One reservation, in the region of its zone."""
    region = known.region_of(form.zone)
    return Reservation(
        name=form.name,
        cloud=known.cloud_of(region),
        machine=form.machine,
        region=region,
        zone=form.zone,
        machines=form.machines,
        usd_per_hour=form.usd_per_hour,
    )


def capacity_block(form: CapacityBlockForm, known: Known) -> CapacityBlock:
    """One capacity block, in the region of its zone."""
    region = known.region_of(form.zone)
    return CapacityBlock(
        name=form.name,
        cloud=known.cloud_of(region),
        machine=form.machine,
        region=region,
        zone=form.zone,
        machines=form.machines,
        window=Window(start=form.start, until=form.until),
        upfront_usd=form.upfront_usd,
    )


def commitments(form: CommitmentsForm, known: Known) -> Commitments:
    """What is committed to, and what may be."""
    return Commitments(
        terms=tuple(TERMS[term] for term in form.terms),
        owned=tuple(
            OwnedCommitment(
                cloud=known.cloud_of(one.region),
                machine=one.machine,
                region=one.region,
                machines=one.machines,
                term=TERMS[one.term],
            )
            for one in form.owned
        ),
    )


def team_quotas(form: SpecForm) -> tuple[TeamQuota, ...]:
    """The teams."""
    return tuple(
        TeamQuota(name=one.name, accelerators=one.accelerators, budget_usd_per_month=one.budget_usd_per_month)
        for one in form.teams
    )
