"""From what was written to a `Spec`: every mistake at once, defaults told as assumptions, the hash of what is asked.

One canonical parser: the YAML of a stack file and the JSON that the engine hands a program give equal specs.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from sizing.errors import InvalidSpec, Problem
from sizing.spec.lengths import through
from sizing.spec.workload import Allowed, Objectives, Serving, Spec, TokenLengths, Traffic

if TYPE_CHECKING:  # pydantic is imported when a spec is read, not with the library
    from sizing.catalog import Catalog
    from sizing.catalog.model import Model
    from sizing.spec.form import AllowForm, LengthsForm, SpecForm, WorkloadForm
    from sizing.spec.known import Known

CONTEXT_STEP_TOKENS = 1024
MEDIAN = 0.5  # the confidence of a prediction as it is
SPOT_SUFFIX = "-spot"  # the part of a workload on spot machines is a deployment of its own

_NO_CONFIGS: Mapping[str, bytes] = MappingProxyType({})


def read_spec(
    mapping: Mapping[str, object],
    *,
    catalog: Catalog,
    model_configs: Mapping[str, bytes] = _NO_CONFIGS,
    source: str = "the spec",
    prefix: str = "",
) -> Spec:
    """
    The spec that *mapping* asks for.

    Args:
        mapping: Plain values by key: cloud, regions, workloads, ... (`sizing.spec.form` says which).
        catalog: The facts that names are looked up in.
        model_configs: Content of each Hugging Face `config.json` that a workload names, by the path as written.
        source: What the mistakes are told to be in.
        prefix: What stands before the keys in the source, for the paths of mistakes: `sizeup:`.

    Raises:
        InvalidSpec: With every mistake of the mapping.
    """
    from pydantic import ValidationError  # noqa: PLC0415  imported late: half of what `import sizing` may cost

    from sizing.spec.form import SpecForm  # noqa: PLC0415
    from sizing.spec.known import Known  # noqa: PLC0415
    from sizing.spec.mistake import problems_of  # noqa: PLC0415

    known = Known.about(mapping, catalog=catalog, model_configs=model_configs)
    problems = tuple(_clashes(mapping, prefix))
    try:
        form = SpecForm.model_validate(dict(mapping), context=known)
    except ValidationError as error:
        problems = (*problems_of(error, written=mapping, form=SpecForm, prefix=prefix), *problems)
        raise InvalidSpec(problems, source=source) from None
    problems += tuple(_places(form, known, prefix))
    if problems:
        raise InvalidSpec(problems, source=source)
    return _spec(form, known)


def model_paths(mapping: Mapping[str, object]) -> tuple[str, ...]:
    """Paths of model configurations that a spec as written names; whoever may open files reads them."""
    workloads = mapping.get("workloads")
    models = (
        [work.get("model") for work in workloads if isinstance(work, Mapping)] if isinstance(workloads, list) else []
    )
    return tuple(dict.fromkeys(model for model in models if isinstance(model, str) and model.endswith(".json")))


def _clashes(mapping: Mapping[str, object], prefix: str) -> Iterator[Problem]:
    """Workloads whose names, or the names of their spot parts, are taken."""
    workloads = mapping.get("workloads")
    taken: dict[str, int] = {}
    for position, workload in enumerate(workloads if isinstance(workloads, list) else []):
        name = workload.get("name") if isinstance(workload, Mapping) else None
        if not isinstance(name, str):
            continue
        if name in taken:
            yield Problem(
                path=f"{prefix}workloads[{position}].name",
                what=f"is {name}, as workloads[{taken[name]}] is called",
                mend="give every workload a name of its own",
            )
        taken.setdefault(name, position)
    for name, position in taken.items():
        if name.endswith(SPOT_SUFFIX) and name.removesuffix(SPOT_SUFFIX) in taken:
            yield Problem(
                path=f"{prefix}workloads[{position}].name",
                what=f"is {name}, which is what the spot part of {name.removesuffix(SPOT_SUFFIX)} is called",
                mend=f"choose a name that is not another's name and {SPOT_SUFFIX}",
            )


def _places(form: SpecForm, known: Known, prefix: str) -> Iterator[Problem]:
    """Clouds without a region, and zones too few to lose one."""
    for cloud in form.cloud:
        regions = set(form.regions) & set(known.catalog.regions(cloud))
        if not regions:
            yield Problem(
                path=f"{prefix}regions",
                what=f"names no region of {cloud}, which cloud allows",
                mend=f"add a region of {cloud}, or take {cloud} out of cloud",
            )
    must_survive = any(workload.survive.value == "zone" for workload in form.workloads)
    if (
        must_survive
        and form.zones
        and not any(
            len(set(form.zones) & set(known.catalog.zones(cloud, region))) > 1
            for cloud in form.cloud
            for region in form.regions
        )
    ):
        yield Problem(
            path=f"{prefix}zones",
            what="names no two zones of one region, and a workload must survive the loss of a zone",
            mend="add a zone, or leave zones out",
        )


def _spec(form: SpecForm, known: Known) -> Spec:
    """The values of a form without mistakes."""
    models = tuple(known.model(workload.model, hub_id=workload.hub_id) for workload in form.workloads)
    assumptions = (
        [] if "headroom" in form.model_fields_set else [f"{100 * form.headroom:g} % above the stated peak is kept free"]
    )
    for workload, model in zip(form.workloads, models, strict=True):
        assumptions += [f"{workload.name}: {text}" for text in _assumed(workload, model)]
    return Spec(
        clouds=tuple(form.cloud),
        regions=tuple(form.regions),
        zones=tuple(form.zones),
        budget_usd_per_month=form.budget_usd_per_month,
        headroom=form.headroom,
        workloads=tuple(_serving(workload, model) for workload, model in zip(form.workloads, models, strict=True)),
        hash=_hash(form, models, known.model_configs),
        assumptions=tuple(assumptions),
    )


def _serving(workload: WorkloadForm, model: Model) -> Serving:
    traffic = workload.traffic
    return Serving(
        name=workload.name,
        model=model,
        traffic=Traffic(
            requests_per_s=traffic.requests_per_s,
            input_tokens=_lengths(traffic.input_tokens),
            output_tokens=_lengths(traffic.output_tokens),
            prefix_hit=traffic.prefix_hit,
            burstiness=traffic.burstiness,
        ),
        objectives=Objectives(
            ttft_p95_s=workload.objectives.ttft_p95_s,
            tpot_p95_s=workload.objectives.tpot_p95_s,
            e2e_p95_s=workload.objectives.e2e_p95_s,
            confidence=workload.objectives.confidence,
        ),
        allowed=_allowed(workload.allow, model),
        survive=workload.survive,
        max_context_tokens=_max_context_tokens(workload, model),
        engine=workload.engine,
    )


def _lengths(form: LengthsForm) -> TokenLengths:
    from sizing.spec.form import P95_PER_MEAN  # noqa: PLC0415  with pydantic

    if not form.is_lognormal:
        return through(form.percentiles, mean=form.mean)
    return TokenLengths(mean=form.mean, p95=P95_PER_MEAN * form.mean if form.p95 is None else form.p95)


def _allowed(form: AllowForm, model: Model) -> Allowed:
    return Allowed(
        weights=(model.native_precision,) if form.weights is None else tuple(form.weights),
        kv=tuple(form.kv),
        accelerators=tuple(form.accelerators),
        machines=tuple(form.machines),
        spot_share=form.spot_share,
        min_spot_share=form.min_spot_share,
    )


def _max_context_tokens(workload: WorkloadForm, model: Model) -> int:
    """Longest prompt plus answer: as asked, or the 95th percentiles together, in steps, within the model's own."""
    if workload.max_context_tokens is not None:
        return workload.max_context_tokens
    tokens = _lengths(workload.traffic.input_tokens).p95 + _lengths(workload.traffic.output_tokens).p95
    return min(math.ceil(tokens / CONTEXT_STEP_TOKENS) * CONTEXT_STEP_TOKENS, model.max_context)


def _assumed(workload: WorkloadForm, model: Model) -> Iterator[str]:
    """The defaults that one workload takes and that change what is rented, in words."""
    traffic = workload.traffic
    for what, lengths in (("prompt", traffic.input_tokens), ("answer", traffic.output_tokens)):
        if lengths.p95 is None and lengths.is_lognormal:
            yield f"p95 of {what} length is {_lengths(lengths).p95:g} tokens: 3 x mean, as if exponential"
    if "prefix_hit" not in traffic.model_fields_set:
        yield "no prompt token is found in the prefix cache"
    if "burstiness" not in traffic.model_fields_set:
        yield "requests arrive as a Poisson process"
    if "confidence" not in workload.objectives.model_fields_set:
        yield "confidence that each limit is kept at the highest rate is 50 %: predictions are taken as they are"
    if workload.allow.weights is None:
        yield f"weights are served as the checkpoint is, in {model.native_precision}"
    if "kv" not in workload.allow.model_fields_set:
        yield "the KV cache is kept in bf16"
    if workload.max_context_tokens is None:
        tokens = _max_context_tokens(workload, model)
        yield f"prompt and answer together take at most {tokens} tokens, and longer requests are refused"


def _hash(form: SpecForm, models: tuple[Model, ...], model_configs: Mapping[str, bytes]) -> str:
    """
    SHA-256 of what is asked: the values of the form, the identity of each model, the bytes of each configuration.

    No figure of the facts enters, so newer facts make no plan stale; nor do a confidence of the median and percentiles
    of lengths that are not given, which is what every spec asked before there were the keys.
    """
    document = form.model_dump(mode="json")
    for written, workload, model in zip(form.workloads, document["workloads"], models, strict=True):
        config = model_configs.get(written.model)
        workload["model"] = {
            "name": model.name,
            "hub_id": model.hub_id,
            "config": None if config is None else hashlib.sha256(config).hexdigest(),
        }
        del workload["hub_id"]
        for lengths in (workload["traffic"]["input_tokens"], workload["traffic"]["output_tokens"]):
            for name in ("p50", "p90", "p99"):
                if lengths[name] is None:
                    del lengths[name]
        if written.objectives.confidence == MEDIAN:
            del workload["objectives"]["confidence"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
