"""The hash of what is asked. No figure of the facts enters, so newer facts make no plan stale."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sizing.catalog.model import Model
    from sizing.spec.form import SpecForm

# Keys that came after plans were locked. At what they default to, they ask what every spec asked before, so they do not
# count: neither told nor untold do they make such a plan stale.
_LATER = {"quotas": [], "reservations": [], "capacity_blocks": [], "teams": [], "payback_days": 30} | {
    "commitments": {"terms": [], "owned": []},
    "objective": "cost",
}
_LATER_OF_WORKLOAD = {"regions": None, "team": None, "priority": None, "needed": None}
_LATER_OF_LENGTHS = {"p50": None, "p90": None, "p99": None}
_LATER_OF_OBJECTIVES = {"confidence": 0.5, "ready_s": None}  # the median is a prediction as it is
_LATER_OF_TRAFFIC = {"day": None}
_LATER_OF_ALLOW = {"purchase": None}


def spec_hash(form: SpecForm, models: Iterable[Model], model_configs: Mapping[str, bytes]) -> str:
    """SHA-256 of what is asked: the values of the form, the identity of each model, the bytes of each configuration."""
    document = _without(_LATER, form.model_dump(mode="json"))
    for written, workload, model in zip(form.workloads, document["workloads"], models, strict=True):
        config = model_configs.get(written.model)
        workload["model"] = {
            "name": model.name,
            "hub_id": model.hub_id,
            "config": None if config is None else hashlib.sha256(config).hexdigest(),
        }
        del workload["hub_id"]
        _without(_LATER_OF_WORKLOAD, workload)
        _without(_LATER_OF_OBJECTIVES, workload["objectives"])
        _without(_LATER_OF_ALLOW, workload["allow"])
        traffic = _without(_LATER_OF_TRAFFIC, workload["traffic"])
        for lengths in (traffic["input_tokens"], traffic["output_tokens"]):
            _without(_LATER_OF_LENGTHS, lengths)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without(later: Mapping[str, object], part: dict[str, Any]) -> dict[str, Any]:
    """The part, from which every later key is taken that is at its default."""
    for key, default in later.items():
        if part[key] == default:
            del part[key]
    return part
