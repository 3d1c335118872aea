"""How long a preview takes, and how much memory: of an example stack, and of a program of a thousand resources.

`python -m benchmarks.preview [--stack chat-aws] [--resources 1000] [--runs 3] [--json]`. Each figure is of a fresh
process, over gRPC as under the Pulumi CLI, and the best of the runs: what else runs on the machine only adds to a time.

- the stack: `sizeup preview STACK` from start to end, after one run that warms the disk cache;
- the program (`benchmarks/thousand.py`): recorded on top of its own settled state, which is read from a file, and
  compared with it. Nothing may seem to change, so a step is an error.

Processor time is told beside the elapsed time: on a busy machine it is the figure to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STACK_LIMIT_S = 4.0
PROGRAM_LIMIT_S = 30.0
PROGRAM_LIMIT_BYTES = 400 * 10**6


class Failed(Exception):
    """A measured process did not do what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process from start to end."""

    elapsed_s: float
    processor_s: float
    peak_bytes: int  # largest resident set


def run(command: Sequence[str], *, check: Callable[[str], None] = lambda _: None) -> Run:
    """
    What *command* took.

    Raises:
        Failed: If it failed, or *check* finds its output wrong.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  fixed programs of this repository
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        out, err = (stream.read() for stream in (process.stdout, process.stderr) if stream is not None)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    elapsed_s = time.perf_counter() - begin
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{err}")
    check(out)
    return Run(
        elapsed_s=elapsed_s, processor_s=used.ru_utime + used.ru_stime, peak_bytes=used.ru_maxrss * _MAXRSS_BYTES
    )


_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, kilobytes on Linux


def best(runs: Sequence[Run]) -> Run:
    """The least of each figure."""
    return Run(
        elapsed_s=min(one.elapsed_s for one in runs),
        processor_s=min(one.processor_s for one in runs),
        peak_bytes=min(one.peak_bytes for one in runs),
    )


def of_stack(stack: str, *, runs: int) -> Run:
    """A preview of *stack*, warm."""
    command = [sys.executable, "-m", "infra.cli", "preview", stack]
    return best([run(command) for _ in range(runs + 1)][1:])


def of_program(resources: int, *, runs: int) -> Run:
    """A program of *resources*, recorded and compared with its settled state."""
    module = [sys.executable, "-m", "benchmarks.thousand"]
    with tempfile.TemporaryDirectory() as folder:
        state = str(Path(folder) / "state.json")
        run([*module, "settle", str(resources), state])
        command = [*module, "preview", str(resources), state]
        return best([run(command, check=lambda out: _is_unchanged(out, resources)) for _ in range(runs)])


def _is_unchanged(out: str, resources: int) -> None:
    found = json.loads(out)
    if found["steps"] or found["resources"] < resources:
        raise Failed(f"a settled program of {resources} resources was previewed as {out}")


def main() -> int:
    """Measure, print, and exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stack", default="chat-aws")
    parser.add_argument("--resources", type=int, default=1000, help="in tens; the limits are for 1,000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    stack, program = of_stack(asked.stack, runs=asked.runs), of_program(asked.resources, runs=asked.runs)
    if asked.json:
        print(json.dumps({"load": os.getloadavg()[0], "stack": asdict(stack), "program": asdict(program)}))
    else:
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, best of {asked.runs}\n")
        print(f"{'':28}{'elapsed':>10}{'processor':>12}{'peak':>10}{'limit':>20}")
        for name, one, limit in (
            (f"preview of {asked.stack}", stack, f"{STACK_LIMIT_S:.0f} s"),
            (f"{asked.resources:,} resources", program, f"{PROGRAM_LIMIT_S:.0f} s, {PROGRAM_LIMIT_BYTES / 1e6:.0f} MB"),
        ):
            print(f"{name:28}{one.elapsed_s:8.1f} s{one.processor_s:10.1f} s{one.peak_bytes / 1e6:7.0f} MB{limit:>20}")
    within = (
        stack.elapsed_s <= STACK_LIMIT_S
        and program.elapsed_s <= PROGRAM_LIMIT_S
        and program.peak_bytes <= PROGRAM_LIMIT_BYTES
    )
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
