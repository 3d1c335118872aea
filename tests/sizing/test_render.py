"""Plans as text: hand-made values in, whole screens out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.outcome import Miss, NoPlan, Requirement, RunnerUp, Sized, SolverOutcome, SolverStatus
from sizing.plan import Promise
from sizing.render import render_explain, render_no_plan, render_plan
from sizing.render_outcome import no_plan_document
from sizing.render_promises import chance, margin, metric_value
from sizing.table import WIDTH
from tests.examples import CHAT_DEPLOYMENT, CHAT_PLAN, CHAT_POOL

G6E = RunnerUp(
    workload="chat",
    what="3 x g6e.48xlarge on demand, L40S TP4 fp8",
    usd_per_hour=90.39,
    misses=(Miss(metric="tpot_p95_s", asked=0.04, reached=0.061, text="TPOT 61 ms > 40 ms"),),
)
P5EN = RunnerUp(workload="chat", what="2 x p5en.48xlarge on demand, H200 TP4 fp8", usd_per_hour=126.60, misses=())
PROVED = SolverOutcome(status=SolverStatus.OPTIMAL, usd_per_hour=110.08, bound_usd_per_hour=110.08)


def test_the_plan_screen() -> None:
    """Two machines at 55.04 are 110.08 USD/h; (500 - 310) / 500 = 38 % of the TTFT limit are left."""
    assert render_plan(CHAT_PLAN, name="chat-70b", next_best=G6E) == (
        "chat-70b on aws us-east-1: 2 x p5.48xlarge, 110.08 USD/h     facts of 2026-07-20\n"
        "\n"
        "  requirement      asked  planned  80 % range  margin  chance  binds first\n"
        "  TTFT p95     <= 500 ms   310 ms     250-390    38 %  > 99 %\n"
        "  requests     >=  12 /s  12.8 /s   11.6-14.1   6.7 %    80 %  HBM bandwidth\n"
        "  next best: 3 x g6e.48xlarge on demand, L40S TP4 fp8, 90.39 USD/h; TPOT 61 ms >\n"
        "    40 ms\n"
        "\n"
        "  chat: 4 replicas of Llama-3.3-70B, fp8 weights, bf16 KV, TP4 on\n"
        "      nvidia-h100-80gb, 3.2 /s and 40 in flight each\n"
        "      vllm: 16,384 tokens of context, 256 sequences at once, 8,192 batched\n"
        "      tokens, 92 % of memory, 1 front end\n"
        "      each asks for 16 vCPU and 74.5 GiB of host memory\n"
        "      cold start 7 min: image 3 min, bootstrap 95 s, weights 40 s of 141 GB,\n"
        "      compile and warm-up 105 s\n"
        "\n"
        "  machines                                         USD/h each   USD/h\n"
        "  2 x p5.48xlarge on demand  8 x nvidia-h100-80gb       55.04  110.08\n"
        "      in use1-az4\n"
        "  total                                                        110.08\n"
        "  bucket models: STANDARD, 70.6 GB\n"
        "\n"
        "assumed\n"
        "  - arrivals are Poisson\n"
    )


def test_the_next_best_says_by_how_much_it_is_dearer() -> None:
    """126.60 - 110.08 = 16.52 USD/h."""
    text = render_plan(CHAT_PLAN, name="chat", next_best=P5EN)
    assert "126.60 USD/h; meets all, 16.52 USD/h dearer" in " ".join(text.split())
    near = render_plan(CHAT_PLAN, name="chat", next_best=replace(P5EN, usd_per_hour=CHAT_PLAN.usd_per_hour + 0.004))
    assert "meets all, less than a cent an hour dearer" in " ".join(near.split())


def test_how_near_a_plan_is_to_the_cheapest_stands_below_the_answer() -> None:
    """110.08 where 104.58 is necessary: 5 % are not proved."""
    near = SolverOutcome(status=SolverStatus.FEASIBLE, usd_per_hour=110.08, bound_usd_per_hour=104.58)
    lines = render_plan(CHAT_PLAN, name="chat-70b", outcome=near).splitlines()
    assert lines[1:4] == [
        "  solver: a plan, not proved cheapest: the search was stopped by its limit;",
        "    110.08 USD/h; at least 104.58 USD/h is necessary; gap 5 %",
        "",
    ]


def test_pools_of_one_machine_are_told_together() -> None:
    """Four machines over two zones are one row, with the zones and their counts."""
    other = replace(CHAT_POOL, name="p5-48xlarge-use1-az6", zone="use1-az6")
    text = render_plan(replace(CHAT_PLAN, node_pools=(CHAT_POOL, other)), name="chat")
    assert "4 x p5.48xlarge on demand" in text
    assert "220.16\n      2 in use1-az4, 2 in use1-az6\n" in text


def test_a_price_below_a_dollar_keeps_its_digits() -> None:
    """Four machines at 0.2016 are 0.81 USD/h, which four times 0.20 would not be."""
    text = render_plan(
        replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=4, least_nodes=4, usd_per_hour=0.2016),)), name="chat"
    )
    assert ["0.202", "0.81"] in [line.split()[-2:] for line in text.splitlines()]


def test_margins_count_from_what_was_asked() -> None:
    """At most 500 ms and 310 planned leaves 38 %; at least 12 and 9 planned is short of it by a quarter."""
    at_most, at_least = CHAT_PLAN.promises
    assert margin(at_most) == (0.5 - 0.31) / 0.5
    assert margin(replace(at_least, planned=9.0)) == -0.25
    assert margin(replace(at_least, asked=0.0)) is None


def test_each_metric_has_its_unit() -> None:
    """The name of a metric carries its unit, and the text says it."""
    assert metric_value("hbm_bytes_per_accelerator", 71.25 * 2**30) == "71.2 GiB"
    assert metric_value("usd_per_hour", 90.39) == "90.39 USD/h"
    assert metric_value("tpot_p95_s", 0.027) == "27 ms"


def test_an_exact_promise_has_no_interval() -> None:
    """Bytes of a budget are worked out, not predicted."""
    exact = Promise(
        workload="chat",
        metric="hbm_bytes_per_accelerator",
        asked=76 * 2**30,
        planned=71 * 2**30,
        at_most=True,
        low=71 * 2**30,
        high=71 * 2**30,
        probability=1.0,
        binding=None,
    )
    text = render_plan(replace(CHAT_PLAN, promises=(exact,)), name="chat")
    assert "HBM          <= 76 GiB   71 GiB               6.6 %" in text


def test_an_interval_keeps_the_unit_of_what_is_planned() -> None:
    """310 ms, up to 1.23 s: 1,230 beside 250; a second line of the table needs no other unit."""
    wide = replace(CHAT_PLAN.promises[0], high=1.23)
    text = render_plan(replace(CHAT_PLAN, promises=(wide,)), name="chat")
    assert "310 ms   250-1,230" in text


def test_explain_says_what_was_proved_what_binds_and_why_each_lost() -> None:
    """126.60 - 110.08 = 16.52 USD/h is what the feasible alternative costs more."""
    text = render_explain(Sized(plan=CHAT_PLAN, outcome=PROVED, runners_up=(G6E, P5EN)), name="chat")
    assert "solver: optimal; 110.08 USD/h; at least 110.08 USD/h is necessary; gap 0 %" in text
    assert "binds first as load grows: chat: requests by HBM bandwidth" in text
    assert "90.39 USD/h\n      TPOT 61 ms > 40 ms\n" in text
    assert "126.60 USD/h\n      meets all, 16.52 USD/h dearer\n" in text


def test_explain_tells_the_start_by_part_and_from_other_storage() -> None:
    """141.1 GB: 3.77 GB/s of S3 is 37.4 s, 2.25 of a local disk 62.7 s; nothing of another cloud."""
    text = render_explain(Sized(plan=CHAT_PLAN, outcome=PROVED, runners_up=()), name="chat")
    said = " ".join(text.split())
    assert "chat: cold start 7 min: image 3 min, bootstrap 95 s, weights 40 s of 141 GB" in said
    assert "the same weights at best from s3 37.4 s, local-nvme 62.7 s, io2 67.2 s" in said
    assert "hyperdisk" not in said


def test_explain_tells_what_more_confidence_costs() -> None:
    """Worked out anew for each; where no plan does, what the nearest misses."""
    found = Sized(plan=CHAT_PLAN, outcome=PROVED, runners_up=(), surer=(P5EN, replace(G6E, usd_per_hour=None)))
    text = render_explain(found, name="chat")
    title, priced, dearer, unpriced, missed, *_ = text.partition("to keep every limit")[2].splitlines()
    assert "set objectives.confidence" in title
    assert priced.split()[-2] == "126.60"
    assert dearer == "      meets all, 16.52 USD/h dearer"
    assert unpriced.endswith("no price")
    assert missed == "      TPOT 61 ms > 40 ms"


def test_a_long_alternative_is_told_whole() -> None:
    """What it would be is told over two lines, not cut in its middle."""
    what = "1 x p5.4xlarge on demand + 1 x p5.4xlarge spot, nvidia-h100-80gb TP1 fp8 and more"
    text = render_explain(Sized(plan=CHAT_PLAN, outcome=PROVED, runners_up=(replace(P5EN, what=what),)), name="chat")
    assert " ".join(what.split()) in " ".join(text.replace("126.60 USD/h", "").split())
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_an_alternative_without_a_price_says_so() -> None:
    """Unknown is not zero."""
    unpriced = replace(
        P5EN, usd_per_hour=None, misses=(Miss(metric="price", asked=None, reached=None, text="no price"),)
    )
    text = render_explain(Sized(plan=CHAT_PLAN, outcome=PROVED, runners_up=(unpriced,)), name="chat")
    assert "no price\n      no price\n" in text


def test_many_alternatives_are_counted_not_scrolled() -> None:
    """A screen holds twelve; the JSON holds all."""
    text = render_explain(Sized(plan=CHAT_PLAN, outcome=PROVED, runners_up=(P5EN,) * 15), name="chat")
    assert text.count("p5en.48xlarge") == 12
    assert "and 3 more: --json lists them" in text


def test_no_plan_is_an_answer() -> None:
    """Why, what came closest with what it misses, and the ways out."""
    answer = NoPlan(
        outcome=SolverOutcome(status=SolverStatus.INFEASIBLE, usd_per_hour=None, bound_usd_per_hour=None),
        reason="no machine reaches TPOT p95 4 ms",
        nearest=(G6E,),
        mends=("relax tpot_p95_s to 0.05",),
    )
    assert render_no_plan(answer, name="chat-aws") == (
        "no plan for chat-aws: no machine reaches TPOT p95 4 ms\n"
        "\n"
        "  solver: infeasible: proved that no plan meets every requirement\n"
        "\n"
        "closest, and what each misses\n"
        "  3 x g6e.48xlarge on demand, L40S TP4 fp8                           90.39 USD/h\n"
        "      TPOT 61 ms > 40 ms\n"
        "\n"
        "ways out, the cheapest first\n"
        "  - relax tpot_p95_s to 0.05\n"
    )


def test_no_plan_without_anything_near_leaves_no_hole() -> None:
    """Nothing came close: the ways out follow the solver's answer."""
    answer = NoPlan(
        outcome=SolverOutcome(status=SolverStatus.INFEASIBLE, usd_per_hour=None, bound_usd_per_hour=None),
        reason="nothing is sold",
        nearest=(),
        mends=("add a region",),
    )
    assert "requirement\n\nways out" in render_no_plan(answer, name="chat-aws")


def test_requirements_in_the_way_are_listed_as_they_are_written() -> None:
    """Each of them, let go, leaves a plan; of several conflicts each has to give, and JSON holds them too."""
    survive = Requirement(id="chat: survive", text="chat: survive zone")
    budget = Requirement(id="budget_usd_per_month", text="budget_usd_per_month 100")
    answer = NoPlan(
        outcome=SolverOutcome(status=SolverStatus.INFEASIBLE, usd_per_hour=None, bound_usd_per_hour=None),
        reason="too dear",
        nearest=(),
        mends=(),
        conflict=(survive, budget),
    )
    assert render_no_plan(answer, name="chat").endswith(
        "\nin the way, with all the rest as it is: without any one of these there is a plan\n"
        "  - chat: survive zone\n"
        "  - budget_usd_per_month 100\n"
    )
    apart = replace(answer, conflict=(survive,), conflicts_beside=((budget,),))
    assert render_no_plan(apart, name="chat").endswith(
        "\nconflict 1 of 2: one of each has to give\n  - chat: survive zone\n"
        "\nconflict 2 of 2: one of each has to give\n  - budget_usd_per_month 100\n"
    )
    assert no_plan_document(apart)["conflicts"] == [
        [{"id": "chat: survive", "text": "chat: survive zone"}],
        [{"id": "budget_usd_per_month", "text": "budget_usd_per_month 100"}],
    ]


def test_infeasible_unknown_and_out_of_time_are_told_apart() -> None:
    """Three ways of having no plan, three different texts."""
    texts = {
        render_no_plan(
            NoPlan(
                outcome=SolverOutcome(status=status, usd_per_hour=None, bound_usd_per_hour=None),
                reason="none",
                nearest=(),
                mends=(),
            ),
            name="chat",
        )
        for status in (SolverStatus.INFEASIBLE, SolverStatus.UNKNOWN, SolverStatus.OUT_OF_TIME)
    }
    assert len(texts) == 3


def test_no_line_is_wider_than_the_screen() -> None:
    """Long names are elided or wrapped, in every block of the screen."""
    long = "a-very-long-name-of-a-workload-that-nobody-should-have-given-but-somebody-did"
    plan = replace(
        CHAT_PLAN,
        deployments=(replace(CHAT_DEPLOYMENT, name=long, model=long),),
        promises=tuple(replace(x, workload=f"{long}-{at}") for at, x in enumerate(CHAT_PLAN.promises)),
        node_pools=tuple(replace(CHAT_POOL, zone=f"use1-az{at}") for at in range(9)),
        assumptions=(long * 3,),
    )
    text = render_plan(plan, name=long, next_best=replace(G6E, what=long * 2))
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("probability", "text"), [(0.8649, "86 %"), (0.5, "50 %"), (0.994, "> 99 %"), (1.0, "> 99 %"), (0.004, "< 1 %")]
)
def test_nothing_predicted_is_told_as_certain(probability: float, text: str) -> None:
    """An interval of 80 % says nothing of the tails; what is worked out exactly has no chance to tell."""
    promise = replace(CHAT_PLAN.promises[0], probability=probability)
    assert chance(promise) == text
    assert chance(replace(promise, low=promise.planned, high=promise.planned)) == ""
