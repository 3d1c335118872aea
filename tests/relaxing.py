"""A stack as it is written, with a requirement let go or a way out applied: read off the words of an answer alone."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import sizing

Written = dict[str, Any]
LIST = r"\[(?P<listed>[^]]*)\]"


def without(written: Written, requirement: str, catalog: sizing.Catalog) -> Written:
    """The stack with a requirement, told as in an answer, let go altogether."""
    stack = copy.deepcopy(written)
    for pattern, change in _LET_GO:
        if found := re.fullmatch(pattern, requirement.removesuffix(" (default)")):
            change(stack, catalog, **found.groupdict())
            assert stack != written, requirement
            return stack
    raise AssertionError(f"no requirement: {requirement}")


def with_way_out(written: Written, mend: str) -> Written:
    """The stack with a way out, told as in an answer, written into it."""
    stack = copy.deepcopy(written)
    text = mend.partition(": the plan then costs ")[0]
    for one in text.split(", and "):
        for pattern, change in _MENDS:
            if found := re.fullmatch(pattern, one):
                change(stack, **found.groupdict())
                break
        else:
            raise AssertionError(f"no way out: {one}")
    assert stack != written, mend
    return stack


def costs(mend: str) -> tuple[float, int]:
    """What a way out says that the plan costs, in USD per hour and per month."""
    hour, month = re.search(r"costs (?:at most )?([\d,.]+) USD/h, ([\d,]+) USD a month", mend).groups()  # type: ignore[union-attr]
    return float(hour.replace(",", "")), int(month.replace(",", ""))


def _work(stack: Written, name: str) -> Written:
    found: Written = next(one for one in stack["workloads"] if one["name"] == name)
    return found


def _named(stack: Written, key: str, name: str) -> Written:
    found: Written = next(one for one in stack[key] if one["name"] == name)
    return found


def _words(text: str) -> list[str]:
    return re.split(r", | and ", text)


def _quota(stack: Written, quota: str, region: str) -> Written:
    found: Written = next(one for one in stack["quotas"] if (one["quota"], one["region"]) == (quota, region))
    return found


def _drop_quota(stack: Written, _: sizing.Catalog, quota: str, region: str) -> None:
    stack["quotas"].remove(_quota(stack, quota, region))


def _drop_team_limit(stack: Written, _: sizing.Catalog, team: str, key: str) -> None:
    del _named(stack, "teams", team)[key]


def _drop_slots(stack: Written, catalog: sizing.Catalog, team: str) -> None:
    _drop_team_limit(stack, catalog, team, "accelerators")


def _wide_block(stack: Written, _: sizing.Catalog, name: str) -> None:
    """Every day on which a workload is needed, for as much as it is."""
    block = _named(stack, "capacity_blocks", name)
    needed = [one["needed"] for one in stack["workloads"] if "needed" in one]
    block["from"] = min([block["from"], *(one["from"] for one in needed)])
    block["until"] = max([block["until"], *(one["until"] for one in needed)])


def _all_regions(stack: Written, catalog: sizing.Catalog, listed: str) -> None:
    assert stack["regions"] == listed.split(", ")
    stack["regions"] = list(catalog.regions(sizing.Cloud(stack["cloud"])))
    stack.pop("zones", None)


def _drop(stack: Written, _: sizing.Catalog, key: str) -> None:
    del stack[key]


def _no_headroom(stack: Written, _: sizing.Catalog) -> None:
    stack["headroom"] = 0


def _lose_nothing(stack: Written, _: sizing.Catalog, work: str) -> None:
    _work(stack, work)["survive"] = "none"


def _any_latency(stack: Written, _: sizing.Catalog, work: str, metric: str) -> None:
    _work(stack, work)["objectives"][metric] = {"ttft_p95_s": 120, "tpot_p95_s": 5, "e2e_p95_s": 10_000}[metric]


def _any_confidence(stack: Written, _: sizing.Catalog, work: str) -> None:
    _work(stack, work)["objectives"]["confidence"] = 0.5


def _allow(stack: Written, _: sizing.Catalog, work: str, key: str) -> None:
    """The widest value that a key of allow can have."""
    widest = {
        "spot_share": 1,
        "min_spot_share": 0,
        "weights": ["bf16", "fp8", "int8", "int4", "mxfp4", "nvfp4"],
        "kv": ["bf16", "fp8"],
        "accelerators": [],
        "machines": [],
    }
    allowed = _work(stack, work).setdefault("allow", {})
    if key in widest:
        allowed[key] = widest[key]
    else:
        del allowed[key]


def _anywhere(stack: Written, _: sizing.Catalog, work: str) -> None:
    del _work(stack, work)["regions"]


_LET_GO: list[tuple[str, Callable[..., None]]] = [
    (r"quotas: (?P<quota>\S+) in (?P<region>\S+) at most \d+ \w+", _drop_quota),
    (r"teams: (?P<team>\S+) at most \d+ accelerators", _drop_slots),
    (r"teams: (?P<team>\S+) (?P<key>budget_usd_per_month) [\d.]+", _drop_team_limit),
    (r"capacity_blocks: (?P<name>\S+) from \S+ until \S+", _wide_block),
    (rf"regions {LIST}", _all_regions),
    (r"(?P<key>zones) \[.*\]", _drop),
    (r"headroom [\d.]+", _no_headroom),
    (r"(?P<key>budget_usd_per_month) [\d.]+", _drop),
    (r"(?P<work>\S+): survive zone", _lose_nothing),
    (r"(?P<work>\S+): objectives\.confidence [\d.]+", _any_confidence),
    (r"(?P<work>\S+): objectives\.(?P<metric>\S+) [\d.]+", _any_latency),
    (r"(?P<work>\S+): allow\.(?P<key>\w+) .*", _allow),
    (r"(?P<work>\S+): regions \[.*\]", _anywhere),
]


def _raise_quota(stack: Written, quota: str, region: str, was: str, now: str) -> None:
    assert _quota(stack, quota, region)["limit"] == int(was)
    _quota(stack, quota, region)["limit"] = int(now)


def _raise_slots(stack: Written, team: str, was: str, now: str) -> None:
    assert _named(stack, "teams", team)["accelerators"] == int(was)
    _named(stack, "teams", team)["accelerators"] = int(now)


def _raise_team_budget(stack: Written, team: str, now: str) -> None:
    _named(stack, "teams", team)["budget_usd_per_month"] = int(now)


def _move_block(stack: Written, name: str, start: str, until: str, usd: str) -> None:
    _named(stack, "capacity_blocks", name).update({"from": start, "until": until, "upfront_usd": int(usd)})


def _raise_budget(stack: Written, now: str) -> None:
    stack["budget_usd_per_month"] = int(now)


def _lower_headroom(stack: Written, now: str) -> None:
    stack["headroom"] = float(now)


def _add(stack: Written, more: str, key: str) -> None:
    stack[key] = [*stack[key], *_words(more)]


def _set_survive(stack: Written, work: str) -> None:
    _work(stack, work)["survive"] = "none"


def _set_objective(stack: Written, work: str, key: str, now: str) -> None:
    _work(stack, work)["objectives"][key] = float(now)


def _set_share(stack: Written, work: str, key: str, now: str) -> None:
    _work(stack, work).setdefault("allow", {})[key] = float(now)


def _add_allowed(stack: Written, work: str, more: str, key: str) -> None:
    """To what is written, or to what holds where nothing is."""
    allowed = _work(stack, work).setdefault("allow", {})
    allowed[key] = [*allowed.get(key, ["bf16"]), *_words(more)]


def _add_residence(stack: Written, work: str, more: str) -> None:
    _work(stack, work)["regions"] += _words(more)


_MENDS: list[tuple[str, Callable[..., None]]] = [
    (r"raise quotas: (?P<quota>\S+) in (?P<region>\S+) from (?P<was>\d+) to (?P<now>\d+) \w+", _raise_quota),
    (r"teams: raise budget_usd_per_month of (?P<team>\S+) from [\d.]+ to (?P<now>\d+)", _raise_team_budget),
    (r"teams: raise (?P<team>\S+) from (?P<was>\d+) to (?P<now>\d+) accelerators", _raise_slots),
    (r"capacity_blocks: have (?P<name>\S+) from (?P<start>\S+) until (?P<until>\S+) for (?P<usd>\d+) USD", _move_block),
    (r"raise budget_usd_per_month to (?P<now>\d+)", _raise_budget),
    (r"lower headroom to (?P<now>[\d.]+)", _lower_headroom),
    (r"add (?P<more>.+) to (?P<key>regions|zones)", _add),
    (r"(?P<work>\S+): set survive to none", _set_survive),
    (r"(?P<work>\S+): (?:loosen|lower) objectives\.(?P<key>\w+) to (?P<now>[\d.]+)", _set_objective),
    (r"(?P<work>\S+): (?:raise|lower) allow\.(?P<key>\w+) to (?P<now>[\d.]+)", _set_share),
    (r"(?P<work>\S+): add (?P<more>.+) to allow\.(?P<key>\w+)", _add_allowed),
    (r"(?P<work>\S+): add (?P<more>.+) to its regions", _add_residence),
]
