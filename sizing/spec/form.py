"""How a spec is written: its keys, their units, limits and defaults; the source of the schema for editors.

These forms hold what was written, not what it means: facts about models and machines are looked up in `read`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from sizing.catalog.accelerator import Precision
from sizing.catalog.machine import Cloud
from sizing.spec.known import (
    CONFIG_SUFFIX,
    Known,
    known_accelerator,
    known_machine,
    known_model,
    known_region,
    known_zone,
)
from sizing.spec.lengths import through
from sizing.spec.mistake import mistake
from sizing.spec.workload import Survive

DEFAULT_HEADROOM = 0.2
# The median: what a spec without the key has always meant, so plans stay. It holds at the highest rate, with the
# headroom used and after any loss to be survived; at the stated peak the odds are better, and the plan tells them.
DEFAULT_CONFIDENCE = 0.5
HIGHEST_CONFIDENCE = 0.99  # beyond, an interval of 80 % says nothing of the tail
P95_PER_MEAN = 3.0  # an exponential distribution has ln(20) = 2.996
HIGHEST_P95_PER_MEAN = 3.868  # exp(1.6449^2 / 2): no lognormal has more
MOST_TTFT_S = 120  # above these, a limit is one in milliseconds by mistake: no one waits two minutes for an answer
MOST_TPOT_S = 5
SIZED_KINDS = ("serving",)
KNOWN_KINDS = ("serving", "training", "batch")


class Form(BaseModel):
    """Unknown keys are mistakes; text is no number; nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _whole(value: object) -> object:
    """An integer where a float is a whole number: JSON knows no difference between 8192 and 8192.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _unique(values: list[Any]) -> list[Any]:
    if twice := [value for position, value in enumerate(values) if value in values[:position]]:
        raise mistake(f"names {twice[0]} twice", "name each once")
    return values


Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, BeforeValidator(_whole), Field(gt=0)]
CloudName = Annotated[Cloud, Field(strict=False)]
PrecisionName = Annotated[Precision, Field(strict=False)]
Region = Annotated[str, AfterValidator(known_region)]
Zone = Annotated[str, AfterValidator(known_zone)]
AcceleratorName = Annotated[str, AfterValidator(known_accelerator)]
MachineName = Annotated[str, AfterValidator(known_machine)]


class LengthsForm(Form):
    """Token counts of prompts or answers: a number is the mean. Lognormal, unless more than p95 is told of them."""

    mean: Annotated[float, Field(ge=1, description="the mean, in tokens", examples=[1800])]
    p95: Annotated[
        float | None,
        Field(ge=1, description=f"the 95th percentile, in tokens (default {P95_PER_MEAN:g} x mean)", examples=[6000]),
    ] = None
    p50: Annotated[float | None, Field(ge=1, description="the median, in tokens", examples=[900])] = None
    p90: Annotated[float | None, Field(ge=1, description="the 90th percentile, in tokens", examples=[4000])] = None
    p99: Annotated[float | None, Field(ge=1, description="the 99th percentile, in tokens", examples=[15000])] = None

    @model_validator(mode="before")
    @classmethod
    def _number_is_mean(cls, value: object) -> object:
        return {"mean": value} if isinstance(value, int | float) else value

    @property
    def percentiles(self) -> dict[float, float]:
        """Those that are given, by share of requests."""
        given = {0.5: self.p50, 0.9: self.p90, 0.95: self.p95, 0.99: self.p99}
        return {share: length for share, length in given.items() if length is not None}

    @property
    def is_lognormal(self) -> bool:
        """Whether nothing but the mean and the 95th percentile tell how lengths are spread."""
        return not self.percentiles.keys() - {0.95}

    @model_validator(mode="after")
    def _is_a_distribution(self) -> LengthsForm:
        if not self.is_lognormal:
            self._goes_through_percentiles()
            return self
        if self.p95 is not None and self.p95 < self.mean:
            raise mistake(
                f"p95 is {self.p95:g}, which is less than the mean of {self.mean:g}",
                f"give a p95 of {self.mean:g} (all lengths equal) or more",
            )
        if self.p95 is not None and self.p95 > HIGHEST_P95_PER_MEAN * self.mean:
            raise mistake(
                f"p95 is {self.p95:g}, which no lognormal distribution with a mean of {self.mean:g} has",
                f"give a p95 of at most {HIGHEST_P95_PER_MEAN:g} x mean, {HIGHEST_P95_PER_MEAN * self.mean:.0f}, "
                "or split the traffic into two workloads",
            )
        return self

    def _goes_through_percentiles(self) -> None:
        if len(self.percentiles) == 1:
            raise mistake("gives one percentile beside the mean, which is not p95", "give p95 too, or nothing but it")
        try:
            through(self.percentiles, mean=self.mean)
        except ValueError as error:
            raise mistake(f"has percentiles that no lengths have: {error}", "give what was observed together") from None

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A number, or the mapping."""
        return {"anyOf": [{"type": "number", "minimum": 1}, handler.resolve_ref_schema(handler(schema))]}


class TrafficForm(Form):
    """What arrives at the peak that must be served."""

    requests_per_s: Annotated[Positive, Field(description="the requests per second at the peak", examples=[12])]
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

    @model_validator(mode="after")
    def _one_is_asked(self) -> ObjectivesForm:
        if self.ttft_p95_s is None and self.tpot_p95_s is None and self.e2e_p95_s is None:
            raise mistake("states no limit", "give at least one of ttft_p95_s, tpot_p95_s, e2e_p95_s, in seconds")
        return self


class AllowForm(Form):
    """What may be chosen from."""

    weights: Annotated[
        list[PrecisionName] | None,
        AfterValidator(_unique),
        Field(
            min_length=1,
            description="the precisions that weights may be served in (default: the checkpoint's own)",
            examples=[["bf16", "fp8"]],
        ),
    ] = None
    kv: Annotated[
        list[PrecisionName],
        AfterValidator(_unique),
        Field(min_length=1, description="the precisions that the KV cache may have", examples=[["bf16"]]),
    ] = [Precision.BF16]
    accelerators: Annotated[
        list[AcceleratorName],
        AfterValidator(_unique),
        Field(description="the accelerators that may be used; empty: any", examples=[["nvidia-h100-80gb"]]),
    ] = []
    machines: Annotated[
        list[MachineName],
        AfterValidator(_unique),
        Field(description="the machine types that may be used; empty: any", examples=[["p5.48xlarge"]]),
    ] = []
    spot_share: Annotated[
        Share, Field(description="the most of the capacity that may be on spot machines, 0 to 1", examples=[0.3])
    ] = 0.0
    min_spot_share: Annotated[
        Share, Field(description="the least of the capacity that must be on spot machines, 0 to 1", examples=[0.3])
    ] = 0.0

    @model_validator(mode="after")
    def _spot_shares_agree(self) -> AllowForm:
        if self.min_spot_share > self.spot_share:
            raise mistake(
                f"asks for a min_spot_share of {self.min_spot_share:g}, above the spot_share of {self.spot_share:g}",
                f"set spot_share to {self.min_spot_share:g} or more",
            )
        return self


class WorkloadForm(Form):
    """One model that must answer requests within limits."""

    name: Annotated[
        str,
        Field(
            max_length=40,
            pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$",
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


class SpecForm(Form):
    """All that one stack asks."""

    cloud: Annotated[
        list[CloudName],
        BeforeValidator(_one_or_more),
        AfterValidator(_unique),
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
        AfterValidator(_unique),
        Field(min_length=1, description="the regions to choose from", examples=[["us-east-1", "us-west-2"]]),
    ]
    zones: Annotated[
        list[Zone],
        AfterValidator(_unique),
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
    workloads: Annotated[list[WorkloadForm], Field(min_length=1, description="what must be served")]
