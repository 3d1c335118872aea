"""How lengths of prompts and answers are written: their mean, and percentiles where they are known."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sizing.spec.fields import Form
from sizing.spec.lengths import through
from sizing.spec.mistake import mistake

P95_PER_MEAN = 3.0  # an exponential distribution has ln(20) = 2.996
HIGHEST_P95_PER_MEAN = 3.868  # exp(1.6449^2 / 2): no lognormal has more


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
