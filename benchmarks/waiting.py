"""How long people wait for an answer about a stack: its ways weighed, a plan, and a refusal that is explained.

`python -m benchmarks.waiting [--workloads 10] [--json]`. Each workload is a model of 7B to 70B with lengths and a rate
of its own, on every machine type of AWS in one region, half of them with a zone to spare. The refusal is of the same
stack with half the money that its plan takes.

Processor time is told beside the elapsed time: on a busy machine it is the figure to compare.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from sizing import Sized, Spec, catalog, read_spec, size
from sizing.allocation.ways.candidates import weigh
from sizing.units import HOURS_PER_MONTH

T = TypeVar("T")
MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "Qwen/Qwen2.5-32B-Instruct",
    "google/gemma-2-9b-it",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One question, and how long its answer took."""

    what: str  # weighed, sized, refused
    answer: str
    elapsed_s: float
    processor_s: float


def stack(workloads: int) -> Spec:
    """A stack of so many workloads, at rates that do not divide each other."""
    found = [workload(number) for number in range(workloads)]
    return read_spec({"cloud": "aws", "regions": ["us-east-1"], "workloads": found}, catalog=catalog())


def workload(number: int) -> dict[str, object]:
    """One of them as a stack file writes it, each with a rate of its own; every other one survives a zone."""
    return {
        "name": f"work-{number}",
        "kind": "serving",
        "model": MODELS[number % len(MODELS)],
        "traffic": {
            "requests_per_s": 1 + number * 37 % 17,
            "input_tokens": {"mean": 700 + 100 * (number % 3)},
            "output_tokens": {"mean": 150 + 50 * (number % 4)},
        },
        "objectives": {"ttft_p95_s": 1.5, "tpot_p95_s": 0.06},
        "survive": "zone" if number % 2 else "none",
    }


def waits(spec: Spec) -> Iterator[Wait]:
    """Each question in turn; what is weighed once is known to those that follow, as within one command."""
    facts = catalog()
    machines = [machine for machine in facts.machines if machine.cloud in spec.clouds]
    weighed, told = _timed("weighed", lambda: [weigh(one, facts, machines) for one in spec.workloads])
    yield replace(told, answer=f"{sum(len(one.candidates) for one in weighed)} ways")
    sized, told = _timed("sized", lambda: size(spec, facts, weighed=weighed))
    if not isinstance(sized, Sized):
        yield replace(told, answer=sized.reason)
        return
    yield replace(told, answer=f"{sized.plan.usd_per_hour:.2f} USD/h, {sized.outcome.status}")
    poor = replace(spec, budget_usd_per_month=sized.plan.usd_per_hour * HOURS_PER_MONTH / 2)
    refused, told = _timed("refused", lambda: size(poor, facts, weighed=weighed))
    yield replace(told, answer=f"{0 if isinstance(refused, Sized) else len(refused.mends)} ways out")


def _timed(what: str, question: Callable[[], T]) -> tuple[T, Wait]:
    began, processor = time.perf_counter(), time.process_time()
    answer = question()
    elapsed, used = time.perf_counter() - began, time.process_time() - processor
    return answer, Wait(what=what, answer="", elapsed_s=round(elapsed, 2), processor_s=round(used, 2))


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask each question and print how long its answer took, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__.partition("\n")[0])
    parser.add_argument("--workloads", type=int, default=10, help="in the stack (default 10)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    found = list(waits(stack(options.workloads)))
    if options.json:
        print(json.dumps([asdict(wait) for wait in found], indent=2))
        return
    for wait in found:
        print(f"{wait.what:<8} {wait.elapsed_s:8.2f} s {wait.processor_s:8.2f} s of processor   {wait.answer}")


if __name__ == "__main__":
    main()
