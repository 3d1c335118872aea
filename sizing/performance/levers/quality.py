"""What publishers of quantised checkpoints measured of their quality. Facts in `facts/quality.json`; none: unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sizing.catalog.accelerator import Precision
from sizing.catalog.model import Model
from sizing.catalog.provenance import Provenance
from sizing.performance.packaged_facts import as_number, packaged_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One benchmark of one quantised checkpoint beside the checkpoint that it was made from."""

    model: str  # a name or alias of the catalog
    weights: Precision
    baseline: Precision
    benchmark: str
    baseline_score: float | None  # None: only the share is published
    score: float | None
    kept: float  # score over baseline score: 1 is no loss
    provenance: Provenance  # the model card, and its date


@cache
def quality_facts() -> tuple[Quality, ...]:
    """Every published figure that the facts hold."""
    return tuple(_quality(row) for row in packaged_facts("quality")["rows"])


def published_quality(model: Model, weights: Precision) -> tuple[Quality, ...]:
    """What is published of exactly this *model* in these *weights*; empty: unknown."""
    names = {model.name, model.hub_id, *model.aliases}
    return tuple(row for row in quality_facts() if row.model in names and row.weights is weights)


def _quality(row: Mapping[str, object]) -> Quality:
    baseline, score = (as_number(row[name]) if name in row else None for name in ("baseline_score", "score"))
    kept = as_number(row["kept"]) if baseline is None or score is None else score / baseline
    return Quality(
        model=str(row["model"]),
        weights=Precision(str(row["weights"])),
        baseline=Precision(str(row["baseline"])),
        benchmark=str(row["benchmark"]),
        baseline_score=baseline,
        score=score,
        kept=kept,
        provenance=Provenance(source=str(row["source"]), as_of=str(row["as_of"])),
    )
