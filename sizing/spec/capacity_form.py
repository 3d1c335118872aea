"""How it is written what an account has and may have: quotas, reservations, blocks, commitments, teams."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from sizing.catalog.quota import QuotaScope
from sizing.spec.fields import NAME, Count, Day, Form, MachineName, NotNegative, OwnRegion, Positive, Zone, unique
from sizing.spec.known import known_context, known_quota, known_reservation, one_cloud
from sizing.spec.mistake import mistake
from sizing.spec.schedule_form import ends_after_it_starts

Term = Literal["1y", "3y"]


class QuotaForm(Form):
    """How much of one quota the account has."""

    region: Annotated[
        OwnRegion | None,
        Field(description="the region of the limit; left out for a quota over all regions", examples=["us-east-1"]),
    ] = None
    quota: Annotated[
        str,
        AfterValidator(known_quota),
        Field(
            description="the id of the quota, or its name in the provider's console; `sizeup facts list quotas` lists "
            "them",
            examples=["L-417A185B", "Running On-Demand P instances", "NVIDIA_L4_GPUS"],
        ),
    ]
    limit: Annotated[
        NotNegative,
        Field(
            description="the limit that the console shows, in vCPUs on AWS, in GPUs or chips on Google Cloud; "
            "reservations count against it",
            examples=[384],
        ),
    ]

    @model_validator(mode="after")
    def _is_of_its_region(self, info: ValidationInfo) -> QuotaForm:
        fact = known_context(info).quota(self.quota)
        if fact.scope is QuotaScope.GLOBAL and self.region is not None:
            raise mistake(f"{fact.id} is one quota over all regions", "leave region out")
        if fact.scope is QuotaScope.REGION and self.region is None:
            raise mistake(
                f"{fact.id} has a limit in each region", f"give region: {' or '.join(known_context(info).regions)}"
            )
        if self.region is not None:
            one_cloud(info, {"quota": fact.cloud}, region=self.region)
        return self


class HeldForm(Form):
    """Machines of one zone that the account holds under a name."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="what its cloud calls it: the id on AWS, the name on Google Cloud",
            examples=["cr-0123456789abcdef0", "h100-base"],
        ),
    ]
    machine: Annotated[MachineName, Field(description="its machine type", examples=["p5.48xlarge"])]
    zone: Annotated[Zone, Field(description="its zone: an AWS zone id, a GCP zone name", examples=["use1-az4"])]
    machines: Annotated[Count, Field(description="how many machines there are of it", examples=[4])]

    @model_validator(mode="after")
    def _is_of_one_cloud(self, info: ValidationInfo) -> HeldForm:
        one_cloud(info, {"machine": self.machine}, zone=self.zone)
        known_reservation(self.name, self.zone, info)
        return self


class ReservationForm(HeldForm):
    """A reservation that the account has."""

    usd_per_hour: Annotated[
        float,
        Field(
            ge=0,
            description="what using one of its machines costs, in USD per hour; 0: it is paid anyway, used or not",
            examples=[0],
        ),
    ] = 0.0


class CapacityBlockForm(HeldForm):
    """Machines that are bought for some days: a Capacity Block of AWS, a reservation in calendar mode of GCP."""

    start: Annotated[Day, Field(alias="from", description="its first day, in UTC", examples=["2026-12-01"])]
    until: Annotated[
        Day,
        Field(
            description="the day on which it ends, in UTC: the first that is not part of it", examples=["2026-12-08"]
        ),
    ]
    upfront_usd: Annotated[
        float,
        Field(ge=0, description="what all its machines cost together for all its days, in USD", examples=[21_000]),
    ]

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> CapacityBlockForm:
        ends_after_it_starts(self.start.isoformat(), self.until.isoformat())
        return self


class OwnedForm(Form):
    """Machines that are paid for all hours already."""

    machine: Annotated[MachineName, Field(description="the machine type", examples=["p5.48xlarge"])]
    region: Annotated[OwnRegion, Field(description="the region", examples=["us-east-1"])]
    machines: Annotated[Count, Field(description="how many are committed to", examples=[2])]
    term: Annotated[
        Term, Field(description="the term that was bought, told with the plan: 1y or 3y", examples=["3y"])
    ] = "1y"

    @model_validator(mode="after")
    def _is_of_one_cloud(self, info: ValidationInfo) -> OwnedForm:
        one_cloud(info, {"machine": self.machine}, region=self.region)
        return self


class CommitmentsForm(Form):
    """Savings plans, reserved instances, committed use: a lower price for machines that are paid all hours."""

    terms: Annotated[
        list[Term],
        AfterValidator(unique),
        Field(
            description="the terms that may be bought for what runs at all hours; empty: none", examples=[["1y", "3y"]]
        ),
    ] = []
    owned: Annotated[
        list[OwnedForm],
        Field(
            description="what is committed to already, and so paid anyway",
            examples=[[{"machine": "p5.48xlarge", "region": "us-east-1", "machines": 2}]],
        ),
    ] = []

    @field_validator("owned")
    @classmethod
    def _each_is_told_once(cls, owned: list[OwnedForm]) -> list[OwnedForm]:
        keys = [(one.machine, one.region, one.term) for one in owned]
        for place, (machine, region, term) in enumerate(keys):
            if (machine, region, term) in keys[:place]:
                raise mistake(f"tells {machine} in {region} for {term} twice", "add the machines up")
        return owned


class TeamForm(Form):
    """What the workloads of one team may take together; its cost is told with the plan."""

    name: Annotated[
        str,
        Field(
            max_length=40,
            pattern=NAME,
            description="the name of the team: lower-case letters, digits and hyphens, at most 40",
            examples=["search"],
        ),
    ]
    accelerators: Annotated[
        Count | None,
        Field(description="the most accelerators that its workloads may take at a time", examples=[16]),
    ] = None
    budget_usd_per_month: Annotated[
        Positive | None,
        Field(description="the most that its share of the machines may cost, in USD per month", examples=[30000]),
    ] = None
