"""How a workload is written: its model, traffic, limits, what may be chosen from, and how important it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from sizing.catalog.accelerator import Precision
from sizing.catalog.machine import Cloud
from sizing.spec.fields import (
    NAME,
    AcceleratorName,
    Count,
    Form,
    MachineName,
    OwnRegion,
    Positive,
    PrecisionName,
    Priority,
    Share,
    unique,
)
from sizing.spec.known import CONFIG_SUFFIX, Known, known_context, known_model, known_team
from sizing.spec.lengths_form import LengthsForm
from sizing.spec.mistake import mistake
from sizing.spec.schedule import FLEX_START_DAYS
from sizing.spec.schedule_form import DayForm, WindowForm
from sizing.spec.workload import Survive

# The median: what a spec without the key has always meant, so plans stay. It holds at the highest rate, with the
# headroom used and after any loss to be survived; at the stated peak the odds are better, and the plan tells them.
DEFAULT_CONFIDENCE = 0.5
HIGHEST_CONFIDENCE = 0.99  # beyond, an interval of 80 % says nothing of the tail
MOST_TTFT_S = 120  # above these, a limit is one in milliseconds by mistake: no one waits two minutes for an answer
MOST_TPOT_S = 5
MOST_REQUESTS_PER_S = 100_000  # thousands of machines for one workload: beyond, the solver counts too long
SIZED_KINDS = ("serving",)
KNOWN_KINDS = ("serving", "training", "batch")
Way = Literal["on_demand", "spot", "reservation", "capacity_block", "flex_start"]


class TrafficForm(Form):
    """What arrives at the peak that must be served."""

    requests_per_s: Annotated[
        Positive, Field(le=MOST_REQUESTS_PER_S, description="the requests per second at the peak", examples=[12])
    ]
    input_tokens: Annotated[
        LengthsForm,
        Field(
            description="the tokens of a prompt: their mean, or {mean, p95}, or with p50, p90, p99 too",
            examples=[1800, {"mean": 1800, "p95": 6000}],
        ),
    ]
    output_tokens: Annotated[
        LengthsForm,
        Field(
            description="the tokens of an answer: their mean, or {mean, p95}, or with p50, p90, p99 too",
            examples=[320, {"mean": 320, "p95": 900}],
        ),
    ]
    prefix_hit: Annotated[
        float,
        Field(
            ge=0, lt=1, description="the share of prompt tokens found in the prefix cache, 0 to below 1", examples=[0.3]
        ),
    ] = 0.0
    burstiness: Annotated[
        float,
        Field(
            ge=0,
            description="the squared coefficient of variation of the times between arrivals; 1 is Poisson",
            examples=[1],
        ),
    ] = 1.0
    day: Annotated[
        DayForm | None,
        Field(
            description="the share of the peak that arrives in each part of the day, hours in UTC (default: the peak "
            "at all hours)",
            examples=[[{"from_h": 0, "until_h": 8, "share": 0.3}, {"from_h": 8, "until_h": 24, "share": 1}]],
        ),
    ] = None


class ObjectivesForm(Form):
    """Latency limits at the 95th percentile, at least one, and how surely they must be kept."""

    ttft_p95_s: Annotated[
        Annotated[float, Field(gt=0, le=MOST_TTFT_S)] | None,
        Field(description="the time to first token, in seconds", examples=[0.8]),
    ] = None
    tpot_p95_s: Annotated[
        Annotated[float, Field(gt=0, le=MOST_TPOT_S)] | None,
        Field(description="the time per output token after the first, in seconds", examples=[0.045]),
    ] = None
    e2e_p95_s: Annotated[
        Positive | None, Field(description="the time from request to the last token, in seconds", examples=[20])
    ] = None
    confidence: Annotated[
        float,
        Field(
            ge=DEFAULT_CONFIDENCE,
            le=HIGHEST_CONFIDENCE,
            description="the probability, over the error of the prediction, with which each limit must be kept at the "
            "highest rate, 0.5 to 0.99; 0.5 takes predictions as they are, more buys room for their error",
            examples=[0.8],
        ),
    ] = DEFAULT_CONFIDENCE
    ready_s: Annotated[
        Positive | None,
        Field(
            description="the most seconds from the start of a container until it answers",
            examples=[300],
        ),
    ] = None

    @model_validator(mode="after")
    def _one_is_asked(self) -> ObjectivesForm:
        if self.ttft_p95_s is None and self.tpot_p95_s is None and self.e2e_p95_s is None:
            raise mistake("states no limit", "give at least one of ttft_p95_s, tpot_p95_s, e2e_p95_s, in seconds")
        return self


class AllowForm(Form):
    """What may be chosen from."""

    weights: Annotated[
        Annotated[list[PrecisionName], Field(min_length=1), AfterValidator(unique)] | None,
        Field(
            description="the precisions that weights may be served in (default: the checkpoint's own)",
            examples=[["bf16", "fp8"]],
        ),
    ] = None
    kv: Annotated[
        list[PrecisionName],
        Field(min_length=1),
        AfterValidator(unique),
        Field(description="the precisions that the KV cache may have", examples=[["bf16"]]),
    ] = [Precision.BF16]
    accelerators: Annotated[
        list[AcceleratorName],
        AfterValidator(unique),
        Field(description="the accelerators that may be used; empty: any", examples=[["nvidia-h100-80gb"]]),
    ] = []
    machines: Annotated[
        list[MachineName],
        AfterValidator(unique),
        Field(description="the machine types that may be used; empty: any", examples=[["p5.48xlarge"]]),
    ] = []
    spot_share: Annotated[
        Share, Field(description="the most of the capacity that may be on spot machines, 0 to 1", examples=[0.3])
    ] = 0.0
    min_spot_share: Annotated[
        Share, Field(description="the least of the capacity that must be on spot machines, 0 to 1", examples=[0.3])
    ] = 0.0
    purchase: Annotated[
        Annotated[list[Way], Field(min_length=1), AfterValidator(unique)] | None,
        Field(
            description="the ways in which its machines may be bought (default: on_demand, spot by spot_share, and the "
            "stack's own reservations and capacity_blocks)",
            examples=[["on_demand", "reservation"]],
        ),
    ] = None

    @field_validator("purchase")
    @classmethod
    def _is_sold(cls, purchase: list[Way] | None, info: ValidationInfo) -> list[Way] | None:
        if "flex_start" in (purchase or ()) and Cloud.GCP not in known_context(info).clouds:
            raise mistake("names flex_start, which only gcp sells", "take flex_start out, or add gcp to cloud")
        return purchase

    @model_validator(mode="after")
    def _spot_shares_agree(self) -> AllowForm:
        if self.min_spot_share > self.spot_share:
            raise mistake(
                f"asks for a min_spot_share of {self.min_spot_share:g}, above the spot_share of {self.spot_share:g}",
                f"set spot_share to {self.min_spot_share:g} or more",
            )
        return self

    @model_validator(mode="after")
    def _ways_and_spot_share_agree(self) -> AllowForm:
        if self.purchase is None:
            return self
        if self.spot_share > 0 and "spot" not in self.purchase:
            raise mistake(
                f"has a spot_share of {self.spot_share:g}, and purchase does not name spot",
                "add spot to purchase, or take spot_share out",
            )
        if self.spot_share == 0 and "spot" in self.purchase:
            raise mistake("names spot in purchase, and spot_share is 0", "give spot_share, for example 0.3")
        if self.spot_share < 1 and self.purchase == ["spot"]:
            raise mistake(
                f"allows spot machines alone, and {1 - self.spot_share:g} of the capacity must not be on spot",
                "add on_demand to purchase, or set spot_share to 1",
            )
        return self


class WorkloadForm(Form):
    """One model that must answer requests within limits."""

    name: Annotated[
        str,
        Field(
            max_length=40,
            pattern=NAME,
            description="the name of the workload: lower-case letters, digits and hyphens, at most 40",
            examples=["chat"],
        ),
    ]
    kind: Annotated[Literal["serving"], Field(description="what the model does: serving", examples=["serving"])]
    model: Annotated[
        str,
        AfterValidator(known_model),
        Field(
            min_length=1,
            description="a name or alias in the facts, or the path of a Hugging Face config.json, from the stack file",
            examples=["meta-llama/Llama-3.3-70B-Instruct", "models/mine.json"],
        ),
    ]
    hub_id: Annotated[
        str | None,
        Field(
            validate_default=True,
            pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$",
            description="the repository that the server loads; required where model is a path, else the model's own",
            examples=["meta-llama/Llama-3.3-70B-Instruct"],
        ),
    ] = None
    traffic: Annotated[TrafficForm, Field(description="what arrives at the peak")]
    objectives: Annotated[ObjectivesForm, Field(description="latency limits at the 95th percentile")]
    allow: Annotated[AllowForm, Field(description="what may be chosen from")] = AllowForm()
    survive: Annotated[
        Survive,
        Field(
            strict=False, description="the largest loss that must leave enough for the full traffic", examples=["zone"]
        ),
    ] = Survive.NONE
    max_context_tokens: Annotated[
        Count | None,
        Field(
            description="the longest prompt plus answer that is accepted, in tokens (default: p95 of both together, "
            "rounded up to a multiple of 1,024, at most what the model takes)",
            examples=[8192],
        ),
    ] = None
    engine: Annotated[Literal["vllm"], Field(description="the inference server", examples=["vllm"])] = "vllm"
    regions: Annotated[
        Annotated[list[OwnRegion], Field(min_length=1), AfterValidator(unique)] | None,
        Field(
            description="the regions of the stack that it may stand in, for residency (default: any)",
            examples=[["eu-west-1"]],
        ),
    ] = None
    team: Annotated[
        str | None,
        AfterValidator(known_team),
        Field(description="the name of the team that it belongs to, one of teams", examples=["search"]),
    ] = None
    priority: Annotated[
        Priority | None,
        Field(
            description="how important it is, 1 to 9, 9 the most, where not all can be served (default: it must be)",
            examples=[5],
        ),
    ] = None
    needed: Annotated[
        WindowForm | None,
        Field(
            validate_default=True,
            description="the days on which it is needed (default: always)",
            examples=[{"from": "2026-12-01", "until": "2026-12-08"}],
        ),
    ] = None

    @field_validator("kind", mode="before")
    @classmethod
    def _is_sized(cls, kind: object) -> object:
        if kind in KNOWN_KINDS and kind not in SIZED_KINDS:
            raise mistake(f"is {kind}, which is not sized yet", "only serving workloads can be asked for today")
        return kind

    @field_validator("hub_id")
    @classmethod
    def _is_told_beside_a_path(cls, hub_id: str | None, info: ValidationInfo) -> str | None:
        if hub_id is None and info.data.get("model", "").endswith(CONFIG_SUFFIX):
            raise mistake(
                "is missing: a configuration does not tell where the weights are",
                "give the repository that the server loads, for example acme/our-model",
            )
        return hub_id

    @field_validator("traffic")
    @classmethod
    def _fits_the_model(cls, traffic: TrafficForm, info: ValidationInfo) -> TrafficForm:
        longest = _longest_context(info)
        mean = traffic.input_tokens.mean + traffic.output_tokens.mean
        if longest is not None and mean > longest:
            raise mistake(
                f"has prompts and answers of {mean:g} tokens on average, and the model takes {longest} at most",
                "choose a model with a longer context, or shorten prompts or answers",
            )
        return traffic

    @field_validator("needed")
    @classmethod
    def _is_short_for_flex_start(cls, needed: WindowForm | None, info: ValidationInfo) -> WindowForm | None:
        allow = info.data.get("allow")
        if not isinstance(allow, AllowForm) or "flex_start" not in (allow.purchase or ()):
            return needed
        days = None if needed is None else needed.window.days
        if days is None or days > FLEX_START_DAYS:
            what = "is missing" if days is None else f"has {days} days"
            raise mistake(
                f"{what}, and flex_start machines run for {FLEX_START_DAYS} days at most",
                f"give {FLEX_START_DAYS} days or fewer, or take flex_start out of allow.purchase",
            )
        return needed

    @field_validator("max_context_tokens")
    @classmethod
    def _is_within_the_model(cls, tokens: int | None, info: ValidationInfo) -> int | None:
        longest = _longest_context(info)
        if tokens is not None and longest is not None and tokens > longest:
            raise mistake(f"is {tokens}, and the model takes {longest} tokens at most", f"give {longest} or less")
        return tokens


def _longest_context(info: ValidationInfo) -> int | None:
    """Tokens that the model of a workload takes; None where the model itself is a mistake."""
    if "model" not in info.data or not isinstance(info.context, Known):
        return None
    return info.context.model(info.data["model"]).max_context
