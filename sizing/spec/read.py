"""From what was written to a `Spec`: every mistake at once, defaults told as assumptions, the hash of what is asked.

One canonical parser: the YAML of a stack file and the JSON that the engine hands a program give equal specs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.errors import InvalidSpec, Problem
from sizing.spec.account import capacity_block, commitments, quota_limits, reservation, team_quotas
from sizing.spec.fingerprint import spec_hash
from sizing.spec.lengths import through
from sizing.spec.workload import Allowed, Objectives, Serving, Spec, TokenLengths, Traffic

if TYPE_CHECKING:  # pydantic is imported when a spec is read, not with the library
    from sizing.catalog import Catalog
    from sizing.catalog.model import Model
    from sizing.spec.form import SpecForm
    from sizing.spec.known import Known
    from sizing.spec.lengths_form import LengthsForm
    from sizing.spec.workload_form import AllowForm, TrafficForm, WorkloadForm

CONTEXT_STEP_TOKENS = 1024
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
    problems = (*_clashes(mapping, prefix), *_twins(mapping, prefix))
    try:
        form = SpecForm.model_validate(dict(mapping), context=known)
    except ValidationError as error:
        problems = (*problems_of(error, written=mapping, form=SpecForm, prefix=prefix), *problems)
        raise InvalidSpec(problems, source=source) from None
    problems += (*_places(form, known, prefix), *_account(form, prefix))
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


_NAMED = (("teams",), ("reservations", "capacity_blocks"))  # lists that share their names


def _twins(mapping: Mapping[str, object], prefix: str) -> Iterator[Problem]:
    """Teams, and reservations and capacity blocks together, that are named twice."""
    for keys in _NAMED:
        taken: dict[str, str] = {}
        for key in keys:
            listed = mapping.get(key)
            for position, one in enumerate(listed if isinstance(listed, list) else []):
                name = one.get("name") if isinstance(one, Mapping) else None
                if isinstance(name, str) and taken.setdefault(name, f"{key}[{position}]") != f"{key}[{position}]":
                    yield Problem(
                        path=f"{prefix}{key}[{position}].name",
                        what=f"is {name}, as {taken[name]} is called",
                        mend="name each once",
                    )


def _account(form: SpecForm, prefix: str) -> Iterator[Problem]:
    """Quotas that are told twice, and workloads whose only ways to buy the stack has nothing of."""
    told: dict[tuple[str, str | None], int] = {}
    for position, quota in enumerate(form.quotas):
        if (first := told.setdefault((quota.quota, quota.region), position)) != position:
            where = f" in {quota.region}" if quota.region else ""
            yield Problem(
                path=f"{prefix}quotas[{position}]",
                what=f"tells the limit of {quota.quota}{where}, as quotas[{first}] does",
                mend="keep the one that the console shows",
            )
    held = {"reservation": form.reservations, "capacity_block": form.capacity_blocks}
    for position, workload in enumerate(form.workloads):
        ways = workload.allow.purchase
        if ways is not None and all(way in held and not held[way] for way in ways):
            yield Problem(
                path=f"{prefix}workloads[{position}].allow.purchase",
                what=f"allows {' and '.join(ways)} alone, and the stack tells of none",
                mend=f"write {' or '.join(f'{way}s' for way in ways)} beside workloads, or add on_demand",
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
        for position, workload in enumerate(form.workloads):
            if workload.regions is not None and regions and not regions & set(workload.regions):
                yield Problem(
                    path=f"{prefix}workloads[{position}].regions",
                    what=f"names no region of {cloud}, which cloud allows",
                    mend=f"add a region of {cloud}, or take {cloud} out of cloud",
                )
    surviving = [workload.regions or form.regions for workload in form.workloads if workload.survive.value == "zone"]
    if form.zones and not all(_has_two_zones(form, regions, known) for regions in surviving):
        yield Problem(
            path=f"{prefix}zones",
            what="names no two zones of one region, and a workload must survive the loss of a zone",
            mend="add a zone, or leave zones out",
        )


def _has_two_zones(form: SpecForm, regions: Iterable[str], known: Known) -> bool:
    """Whether the zones of the spec are two or more in one of *regions*."""
    return any(
        len(set(form.zones) & set(known.catalog.zones(cloud, region))) > 1 for cloud in form.cloud for region in regions
    )


def _spec(form: SpecForm, known: Known) -> Spec:
    """The values of a form without mistakes."""
    models = tuple(known.model(workload.model, hub_id=workload.hub_id) for workload in form.workloads)
    assumptions = (
        [] if "headroom" in form.model_fields_set else [f"{100 * form.headroom:g} % above the stated peak is kept free"]
    )
    assumptions += _assumed_of_account(form)
    for workload, model in zip(form.workloads, models, strict=True):
        assumptions += [f"{workload.name}: {text}" for text in _assumed(workload, model)]
    return Spec(
        clouds=tuple(form.cloud),
        regions=tuple(form.regions),
        zones=tuple(form.zones),
        budget_usd_per_month=form.budget_usd_per_month,
        headroom=form.headroom,
        workloads=tuple(_serving(workload, model) for workload, model in zip(form.workloads, models, strict=True)),
        hash=spec_hash(form, models, known.model_configs),
        assumptions=tuple(assumptions),
        quotas=quota_limits(form, known),
        reservations=tuple(reservation(one, known) for one in form.reservations),
        capacity_blocks=tuple(capacity_block(one, known) for one in form.capacity_blocks),
        commitments=commitments(form.commitments, known),
        teams=team_quotas(form),
        payback_days=form.payback_days,
        objective=form.objective,
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
            day=tuple(part.part for part in traffic.day or ()),
        ),
        objectives=Objectives(
            ttft_p95_s=workload.objectives.ttft_p95_s,
            tpot_p95_s=workload.objectives.tpot_p95_s,
            e2e_p95_s=workload.objectives.e2e_p95_s,
            confidence=workload.objectives.confidence,
            ready_s=workload.objectives.ready_s,
        ),
        allowed=_allowed(workload.allow, model),
        survive=workload.survive,
        max_context_tokens=_max_context_tokens(workload, model),
        engine=workload.engine,
        regions=tuple(workload.regions or ()),
        team=workload.team,
        priority=workload.priority,
        needed=None if workload.needed is None else workload.needed.window,
    )


def _lengths(form: LengthsForm) -> TokenLengths:
    from sizing.spec.lengths_form import P95_PER_MEAN  # noqa: PLC0415  with pydantic

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
        purchase=tuple(PurchaseMode(way) for way in form.purchase or ()),
    )


def _max_context_tokens(workload: WorkloadForm, model: Model) -> int:
    """Longest prompt plus answer: as asked, or the 95th percentiles together, in steps, within the model's own."""
    if workload.max_context_tokens is not None:
        return workload.max_context_tokens
    tokens = _lengths(workload.traffic.input_tokens).p95 + _lengths(workload.traffic.output_tokens).p95
    return min(math.ceil(tokens / CONTEXT_STEP_TOKENS) * CONTEXT_STEP_TOKENS, model.max_context)


def _assumed_of_account(form: SpecForm) -> Iterator[str]:
    """The defaults that a spec takes of what the account has, in words."""
    yield "quotas that are not told limit nothing" if form.quotas else "no quota of the account is told, so none limits"
    for one in form.reservations:
        if "usd_per_hour" not in one.model_fields_set:
            yield f"reservation {one.name} is paid anyway: using it costs nothing more"
    for block in form.capacity_blocks:
        yield f"capacity block {block.name} is paid whole, and each machine of it that is used costs its part"


def _assumed(workload: WorkloadForm, model: Model) -> Iterator[str]:
    """The defaults that one workload takes and that change what is rented, in words."""
    yield from _assumed_of_traffic(workload.traffic)
    if workload.needed is not None:
        days = f"{workload.needed.start} until {workload.needed.until}"
        yield f"needed from {days}; what it costs a month is told as if it always were"
    if "confidence" not in workload.objectives.model_fields_set:
        yield "confidence that each limit is kept at the highest rate is 50 %: predictions are taken as they are"
    if workload.allow.weights is None:
        yield f"weights are served as the checkpoint is, in {model.native_precision}"
    if "kv" not in workload.allow.model_fields_set:
        yield "the KV cache is kept in bf16"
    if workload.max_context_tokens is None:
        tokens = _max_context_tokens(workload, model)
        yield f"prompt and answer together take at most {tokens} tokens, and longer requests are refused"


def _assumed_of_traffic(traffic: TrafficForm) -> Iterator[str]:
    for what, lengths in (("prompt", traffic.input_tokens), ("answer", traffic.output_tokens)):
        if lengths.p95 is None and lengths.is_lognormal:
            yield f"p95 of {what} length is {_lengths(lengths).p95:g} tokens: 3 x mean, as if exponential"
    if "prefix_hit" not in traffic.model_fields_set:
        yield "no prompt token is found in the prefix cache"
    if "burstiness" not in traffic.model_fields_set:
        yield "requests arrive as a Poisson process"
    if traffic.day is None:
        yield "the peak arrives at all hours of the day"
