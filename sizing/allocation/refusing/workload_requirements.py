"""Requirements of one workload: what it survives, its limits, formats, devices, ways to buy, and where it may stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sizing.allocation.refusing.relaxed import Relaxed
from sizing.allocation.refusing.requirement import (
    Asked,
    Change,
    LetGo,
    Settle,
    first,
    in_brackets,
    requirement,
    stepped,
    with_workload,
)
from sizing.catalog.accelerator import Precision
from sizing.catalog.offer import PurchaseMode
from sizing.performance.certainty.confidence import MEDIAN
from sizing.spec.wording import together
from sizing.spec.workload import Allowed, Objectives, Serving, Spec, Survive

# The highest that a spec may ask for, and how far above what is asked a limit is looked for.
HIGHEST_S = {"ttft_p95_s": 120.0, "tpot_p95_s": 5.0, "e2e_p95_s": math.inf, "ready_s": math.inf}
MOST_STEPS = 180  # two decades, to two figures
LOOSER = 1.25  # a limit is proposed this much above the least that any candidate reaches: capacity is nil at the least
EASED = 1.25  # of the cost without a limit: what a limit may cost that is proposed as the cheap one
EASED_STEP = 5  # of a hundredth or a tenth: it need not be found exactly
STEP = 0.05  # of shares and confidences
# Formats that are added, those first that lose least; four bits change answers too much to be proposed unasked.
WEIGHTS = (Precision.BF16, Precision.FP8, Precision.INT8)
CACHES = (Precision.BF16, Precision.FP8)
USUAL_CACHES = (Precision.BF16,)  # of a spec that does not say
# Ways to buy that are added, those first that bind to nothing; a reservation or a block is there or is not.
BOUGHT = (
    PurchaseMode.ON_DEMAND,
    PurchaseMode.RESERVATION,
    PurchaseMode.CAPACITY_BLOCK,
    PurchaseMode.SPOT,
)


def of_workload(workload: Serving) -> Iterator[Asked]:
    """Every requirement of *workload*."""
    if workload.survive is Survive.ZONE:
        yield _survive(workload)
    yield from (_latency(workload, metric) for metric in HIGHEST_S if getattr(workload.objectives, metric) is not None)
    if workload.objectives.confidence > MEDIAN:
        yield _confidence(workload)
    if workload.regions:
        yield _residency(workload)
    yield from _of_allowed(workload, workload.allowed)


def _of_allowed(workload: Serving, allowed: Allowed) -> Iterator[Asked]:
    """What stands under allow."""
    if allowed.spot_share < 1:
        yield _most_spot(workload)
    if allowed.min_spot_share > 0:
        yield _least_spot(workload)
    if allowed.weights and set(WEIGHTS) - set(allowed.weights):
        native = allowed.weights == (workload.model.native_precision,)
        yield _formats(workload, "weights", WEIGHTS, is_default=native)
    if allowed.kv and set(CACHES) - set(allowed.kv):
        yield _formats(workload, "kv", CACHES, is_default=allowed.kv == USUAL_CACHES)
    yield from (_devices(workload, key) for key in ("accelerators", "machines") if getattr(allowed, key))
    if allowed.purchase:
        yield _purchase(workload)


def _asked(workload: Serving, key: str, value: str, *, let_go: LetGo, settle: Settle) -> Asked:
    return Asked(
        requirement=requirement(key, value, workload=workload.name),
        let_go=let_go,
        settle=settle,
        workload=workload.name,
    )


def _allow(workload: Serving, **parts: object) -> Serving:
    allowed: Allowed = replace(workload.allowed, **parts)  # type: ignore[arg-type]  # parts are those of Allowed
    return replace(workload, allowed=allowed)


def _survive(workload: Serving) -> Asked:
    def let_go(spec: Spec) -> Spec:
        return with_workload(spec, workload.name, lambda one: replace(one, survive=Survive.NONE))

    def settle(spec: Spec, _: Relaxed) -> Change:
        return let_go(spec), f"{workload.name}: set survive to none"

    return _asked(workload, "survive", "zone", let_go=let_go, settle=settle)


def _latency(workload: Serving, metric: str) -> Asked:
    """A limit: what is proposed instead has two figures, rounded up. The least that is possible may cost a lot."""
    limit: float = getattr(workload.objectives, metric)

    def put(spec: Spec, seconds: float | None) -> Spec:
        return with_workload(
            spec,
            workload.name,
            lambda one: replace(one, objectives=_with_limit(one.objectives, metric, seconds)),
        )

    def looser(spec: Spec, relaxed: Relaxed) -> list[float]:
        least = relaxed.least_reached(put(spec, limit), workload.name, metric)
        return _looser_limits(max(limit, 0.0 if least is None else least * LOOSER), metric)

    def change(spec: Spec, values: list[float], place: int | None) -> Change | None:
        if place is None:
            return None
        return put(spec, values[place]), f"{workload.name}: loosen objectives.{metric} to {values[place]:g}"

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        values = looser(spec, relaxed)
        return change(spec, values, first(len(values), lambda place: relaxed.possible(put(spec, values[place]))))

    def eased(spec: Spec, relaxed: Relaxed) -> Change | None:
        cheapest = relaxed.solved(spec)
        values = looser(spec, relaxed)[::EASED_STEP]

        def is_cheap(place: int) -> bool:
            found = relaxed.solved(put(spec, values[place]))
            return found is not None and cheapest is not None and found.usd_per_hour <= EASED * cheapest.usd_per_hour

        return change(spec, values, first(len(values), is_cheap))

    asked = _asked(workload, f"objectives.{metric}", f"{limit:g}", let_go=lambda spec: put(spec, None), settle=settle)
    return replace(asked, eased=eased, weighs=True)


def _with_limit(objectives: Objectives, metric: str, seconds: float | None) -> Objectives:
    limits: dict[str, Any] = {metric: seconds}
    return replace(objectives, **limits)


def _looser_limits(above: float, metric: str) -> list[float]:
    """Limits of two figures above one in seconds, as far as a spec may ask for them."""
    exponent = math.floor(math.log10(above)) - 1
    figures = math.floor(round(above / 10**exponent, 9)) + 1
    values = []
    for step in range(MOST_STEPS):
        decades, place = divmod(figures - 10 + step, 90)
        values.append(round((10 + place) * 10.0 ** (exponent + decades), 9))
    return [value for value in values if value <= HIGHEST_S[metric]]


def _steps(start: float, end: float) -> list[float]:
    """Multiples of a twentieth from *start*, which is left out, to *end*."""
    down = end < start
    inner = [round(place * STEP, 2) for place in range(round(1 / STEP) + 1)]
    between = [value for value in inner if (end <= value < start if down else start < value <= end)]
    return sorted(between, reverse=down)


def _confidence(workload: Serving) -> Asked:
    confidence = workload.objectives.confidence

    def put(spec: Spec, value: float) -> Spec:
        return with_workload(
            spec, workload.name, lambda one: replace(one, objectives=replace(one.objectives, confidence=value))
        )

    mend = f"{workload.name}: lower objectives.confidence to {{}}"
    settle = stepped(_steps(confidence, MEDIAN), put, mend)
    key, value = "objectives.confidence", f"{confidence:g}"
    return replace(_asked(workload, key, value, let_go=lambda spec: put(spec, MEDIAN), settle=settle), weighs=True)


def _most_spot(workload: Serving) -> Asked:
    share = workload.allowed.spot_share

    def put(spec: Spec, value: float) -> Spec:
        return with_workload(spec, workload.name, lambda one: _allow(one, spot_share=value))

    mend = f"{workload.name}: raise allow.spot_share to {{}}"
    settle = stepped(_steps(share, 1.0), put, mend)
    asked = _asked(workload, "allow.spot_share", f"{share:g}", let_go=lambda spec: put(spec, 1.0), settle=settle)
    return replace(asked, is_default=share == 0)


def _least_spot(workload: Serving) -> Asked:
    share = workload.allowed.min_spot_share

    def put(spec: Spec, value: float) -> Spec:
        return with_workload(spec, workload.name, lambda one: _allow(one, min_spot_share=value))

    mend = f"{workload.name}: lower allow.min_spot_share to {{}}"
    settle = stepped(_steps(share, 0.0), put, mend)
    return _asked(workload, "allow.min_spot_share", f"{share:g}", let_go=lambda spec: put(spec, 0.0), settle=settle)


def _formats(workload: Serving, key: str, known: tuple[Precision, ...], *, is_default: bool) -> Asked:
    """Number formats of weights or cache: one more, the first that does."""
    now: tuple[Precision, ...] = getattr(workload.allowed, key)
    more = [one for one in known if one not in now]

    def put(spec: Spec, *formats: Precision) -> Spec:
        return with_workload(spec, workload.name, lambda one: _allow(one, **{key: (*now, *formats)}))

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        found = next((one for one in more if relaxed.possible(put(spec, one))), None)
        return None if found is None else (put(spec, found), f"{workload.name}: add {found} to allow.{key}")

    asked = _asked(workload, f"allow.{key}", in_brackets(now), let_go=lambda spec: put(spec, *more), settle=settle)
    return replace(asked, weighs=True, is_default=is_default)


def _devices(workload: Serving, key: str) -> Asked:
    """Accelerators or machine types by name: those more that the cheapest plan has."""
    now: tuple[str, ...] = getattr(workload.allowed, key)

    def put(spec: Spec, *names: str) -> Spec:
        return with_workload(spec, workload.name, lambda one: _allow(one, **{key: names}))

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        found = relaxed.solved(spec)
        if found is None:
            return None
        used = found.machines_of(workload.name) if key == "machines" else found.accelerators_of(workload.name)
        more = [one for one in used if one not in now]
        mend = f"{workload.name}: add {together(more)} to allow.{key}" if more else ""
        return put(spec, *now, *more), mend

    return replace(_asked(workload, f"allow.{key}", in_brackets(now), let_go=put, settle=settle), weighs=True)


def _purchase(workload: Serving) -> Asked:
    """Ways to buy: one more, the first that does; or else those that the cheapest plan has."""
    now = workload.allowed.purchase

    def put(spec: Spec, *modes: PurchaseMode) -> Spec:
        return with_workload(spec, workload.name, lambda one: _allow(one, purchase=modes))

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        more = [mode for mode in BOUGHT if mode not in now]
        enough = list(islice((mode for mode in more if relaxed.possible(put(spec, *now, mode))), 1))
        if not enough:
            found = relaxed.solved(spec)
            if found is None:
                return None
            enough = [mode for mode in found.modes_of(workload.name) if mode not in now]
        mend = f"{workload.name}: add {together(enough)} to allow.purchase" if enough else ""
        return put(spec, *now, *enough), mend

    return _asked(workload, "allow.purchase", in_brackets(now), let_go=put, settle=settle)


def _residency(workload: Serving) -> Asked:
    def put(spec: Spec, *regions: str) -> Spec:
        return with_workload(spec, workload.name, lambda one: replace(one, regions=regions))

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        found = relaxed.solved(spec)
        if found is None:
            return None
        more = [region for region in found.regions_of(workload.name) if region not in workload.regions]
        mend = f"{workload.name}: add {together(more)} to its regions" if more else ""
        return put(spec, *workload.regions, *more), mend

    return _asked(workload, "regions", in_brackets(workload.regions), let_go=put, settle=settle)
