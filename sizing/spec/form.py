"""How a spec is written: its keys, their units, limits and defaults; the source of the schema for editors.

These forms hold what was written, not what it means: facts about models and machines are looked up in `read`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from sizing.catalog.machine import Cloud
from sizing.spec.capacity_form import CapacityBlockForm, CommitmentsForm, QuotaForm, ReservationForm, TeamForm
from sizing.spec.fields import CloudName, Count, Form, Positive, Region, Zone, one_or_more, unique
from sizing.spec.workload import PAYBACK_DAYS, Objective
from sizing.spec.workload_form import WorkloadForm

DEFAULT_HEADROOM = 0.2


class SpecForm(Form):
    """All that one stack asks."""

    cloud: Annotated[
        list[CloudName],
        BeforeValidator(one_or_more),
        AfterValidator(unique),
        Field(min_length=1, description="aws or gcp, or a list of them: the plan picks one", examples=["aws"]),
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": list(Cloud)},
                    {"type": "array", "items": {"enum": list(Cloud)}, "minItems": 1, "uniqueItems": True},
                ]
            }
        ),
    ]
    regions: Annotated[
        list[Region],
        AfterValidator(unique),
        Field(min_length=1, description="the regions to choose from", examples=[["us-east-1", "us-west-2"]]),
    ]
    zones: Annotated[
        list[Zone],
        AfterValidator(unique),
        Field(
            description="the zones to choose from: AWS zone ids (names differ between accounts), GCP zone names; "
            "empty: any zone of the regions",
            examples=[["use1-az4", "use1-az6"]],
        ),
    ] = []
    budget_usd_per_month: Annotated[
        Positive | None, Field(description="the most that the machines may cost, in USD per month", examples=[90000])
    ] = None
    headroom: Annotated[
        float,
        Field(ge=0, lt=1, description="the capacity kept free above the peak, as a share of it", examples=[0.2]),
    ] = DEFAULT_HEADROOM
    quotas: Annotated[
        list[QuotaForm],
        Field(
            description="the quotas of the account; what is not told limits nothing",
            examples=[[{"region": "us-east-1", "quota": "L-417A185B", "limit": 384}]],
        ),
    ] = []
    reservations: Annotated[
        list[ReservationForm],
        Field(
            description="the reservations that the account has",
            examples=[[{"name": "cr-0123456789abcdef0", "machine": "p5.48xlarge", "zone": "use1-az4", "machines": 4}]],
        ),
    ] = []
    capacity_blocks: Annotated[
        list[CapacityBlockForm],
        Field(
            description="the capacity blocks (on GCP: reservations in calendar mode) that are bought, for workloads "
            "that are needed within their days",
            examples=[
                [
                    {
                        "name": "cr-0123456789abcdef0",
                        "machine": "p5.48xlarge",
                        "zone": "use1-az4",
                        "machines": 4,
                        "from": "2026-12-01",
                        "until": "2026-12-08",
                        "upfront_usd": 21000,
                    }
                ]
            ],
        ),
    ] = []
    commitments: Annotated[
        CommitmentsForm,
        Field(
            description="what is committed to for one or three years, and what may be",
            examples=[{"terms": ["1y"], "owned": [{"machine": "p5.48xlarge", "region": "us-east-1", "machines": 2}]}],
        ),
    ] = CommitmentsForm()
    teams: Annotated[
        list[TeamForm],
        Field(
            description="the teams that share the stack, and what each may take",
            examples=[[{"name": "search", "accelerators": 16}]],
        ),
    ] = []
    payback_days: Annotated[
        Count,
        Field(description="the days within which a move away from the current plan must pay for itself", examples=[30]),
    ] = PAYBACK_DAYS
    objective: Annotated[
        Objective,
        Field(
            strict=False,
            description="what the plan is best by: the least cost; the least cost by the token, for which capacity "
            "beyond the demand counts as well; or the most work of the machines that run or are reserved",
            examples=["cost"],
        ),
    ] = Objective.COST
    workloads: Annotated[list[WorkloadForm], Field(min_length=1, description="what must be served")]
