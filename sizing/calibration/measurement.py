"""Published measurements of inference as values: the table's columns, its number formats and its names of devices."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sizing.catalog.accelerator import Accelerator, Precision

# Rows that say little about the model: queues of the server's own making, guessed lengths, and the like.
LEFT_OUT = frozenset(
    {
        "queue_bound",
        "author_calls_it_wip",
        "isl_osl_guess",
        "author_reports_regression",
        "lengths_are_sharegpt_not_nominal",
        "submitter_spread_gt_1.5x",
        "topology_product_mismatch",
        "table_tflops_and_mfu_disagree",
    }
)

# Columns that no prediction can do without.
NEEDED = ("accel", "n_accel", "model", "weight_dtype", "mode", "isl", "osl", "metric")


class Table(StrEnum):
    """The two kinds of table, told apart by their header."""

    INFERENCE = "inference"
    TRAINING = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Prefill and decode pools: workers x accelerators each."""

    prefill_workers: int
    prefill_accelerators: int
    decode_workers: int
    decode_accelerators: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What was run: everything of a row but the metric and its outcome. Rows of one scenario share it."""

    accelerator: str
    accelerators: int
    nodes: int
    software: str
    model: str
    weights: str
    kv: str
    tp: int | None
    pp: int | None
    ep: int | None
    dp: int | None
    mode: str
    input_tokens: float
    output_tokens: float
    random_lengths: bool  # drawn evenly from 0.8 to 1.0 of the nominal lengths
    concurrency: int | None  # None: as many as memory holds, or as the limits allow
    topology: Topology | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One metric of one run; *value* only where the table tells it, and only to be compared with."""

    id: str
    scenario: str
    group: str
    setup: Setup
    metric: str
    value: float | None
    flags: frozenset[str]

    @property
    def counts(self) -> bool:
        """Whether the row takes part in error figures."""
        return self.value is not None and not (self.flags & LEFT_OUT)


def kind_of(header: Iterable[str]) -> Table:
    """
    Which kind of table has this header.

    Raises:
        ValueError: If it is neither.
    """
    columns = set(header)
    if {"isl", "osl", "metric", "mode"} <= columns:
        return Table.INFERENCE
    if {"gbs", "seq_len", "task", "metric"} <= columns:
        return Table.TRAINING
    raise ValueError("neither a table of inference measurements (isl, osl, mode) nor of training (gbs, seq_len, task)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The rows of a table, in order, and how many could not be read, by reason."""

    measurements: tuple[Measurement, ...]
    unreadable: Counter[str]


def read_measurements(text: str) -> Reading:
    """
    The rows of an inference table as CSV; outcome columns may be missing.

    A row without lengths or number of accelerators cannot be predicted: it is counted, not guessed.
    """
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    # the closed-loop collections work throughput out from nominal lengths (derived), and draw the real ones below
    drawn = {row["scenario"] for row in rows if row["mode"] in {"agg", "disagg"} and row.get("derived") == "1"}
    measurements: list[Measurement] = []
    unreadable: Counter[str] = Counter()
    for row in rows:
        blank = [name for name in NEEDED if not (row.get(name) or "").strip()]
        if blank:
            unreadable[f"{', '.join(blank)} not told"] += 1
            continue
        try:
            measurements.append(_measurement(row, random_lengths=row["scenario"] in drawn))
        except ValueError as error:
            unreadable[f"not a number: {error}"] += 1
    return Reading(measurements=tuple(measurements), unreadable=unreadable)


def _measurement(row: dict[str, str], *, random_lengths: bool) -> Measurement:
    value = row.get("value") or ""
    return Measurement(
        id=row["id"],
        scenario=row["scenario"],
        group=row["group"],
        setup=_setup(row, random_lengths=random_lengths),
        metric=row["metric"],
        value=float(value) if value else None,
        flags=frozenset(filter(None, (row.get("flags") or "").split("|"))),
    )


def _setup(row: dict[str, str], *, random_lengths: bool) -> Setup:
    concurrency = row["concurrency"]
    return Setup(
        accelerator=row["accel"],
        accelerators=int(float(row["n_accel"])),
        nodes=_whole(row.get("n_nodes")) or 1,
        software=row["software"],
        model=row["model"],
        weights=row["weight_dtype"],
        kv=row["kv_dtype"],
        tp=_whole(row["tp"]),
        pp=_whole(row["pp"]),
        ep=_whole(row["ep"]),
        dp=_whole(row["dp"]),
        mode=row["mode"],
        input_tokens=float(row["isl"]),
        output_tokens=float(row["osl"]),
        random_lengths=random_lengths,
        concurrency=None if concurrency in {"", "max"} else int(float(concurrency)),
        topology=_topology(row["notes"]) if row["mode"] == "disagg" else None,
    )


def _whole(cell: str | None) -> int | None:
    return int(float(cell)) if cell else None


def _topology(notes: str) -> Topology | None:
    found = re.match(r"P(\d+)x(\d+) D(\d+)x(\d+)", notes)
    if found is None:
        return None
    prefill_workers, prefill_accelerators, decode_workers, decode_accelerators = map(int, found.groups())
    return Topology(
        prefill_workers=prefill_workers,
        prefill_accelerators=prefill_accelerators,
        decode_workers=decode_workers,
        decode_accelerators=decode_accelerators,
    )


# What a table's name of a format begins with; the first that matches holds.
FORMAT_NAMES = (
    (("bf16", "fp16", "float16", "bfloat16", "half"), Precision.BF16),
    (("fp8", "e4m3"), Precision.FP8),
    (("int8", "w8a8", "w8a16", "q8"), Precision.INT8),
    (("int4", "w4a16", "awq", "gptq", "q4", "nf4"), Precision.INT4),
    (("mxfp4",), Precision.MXFP4),
    (("nvfp4", "fp4"), Precision.NVFP4),
    (("fp32", "float32"), Precision.FP32),
)


def weight_precision(name: str) -> Precision | None:
    """The stored format that a table's name of it means: fp16 is as bf16, fp4 is NVIDIA's; None: unknown."""
    return next((known for names, known in FORMAT_NAMES if name.lower().startswith(names)), None)


def cache_precision(name: str, weights: Precision, *, recipe: bool = True) -> Precision:
    """
    The cache format that a table's name means.

    Blank: fp8 beside fp8 and fp4 weights where the *recipe* of engine and device sets it so, else bf16.
    """
    given = weight_precision(name) if name else None
    if given is not None:
        return given if given in {Precision.FP32, Precision.FP8, Precision.INT8} else Precision.BF16
    narrow = weights in {Precision.FP8, Precision.NVFP4, Precision.MXFP4}
    return Precision.FP8 if narrow and recipe else Precision.BF16


def accelerator_named(name: str, accelerators: Iterable[Accelerator]) -> Accelerator | None:
    """
    The catalog's accelerator for a table's name of it: H100-SXM-80GB, H100-PCIe-80GB, TPUv6e, Inferentia2.

    The model must agree, the form factor must (SXM where none is told), and memory size where both tell one; None where
    no accelerator does.
    """
    asked = _parts(name)
    matches = [device for device in accelerators if _agree(asked, _parts(device.name))]
    return min(matches, key=lambda device: len(device.name), default=None)


@dataclass(frozen=True, slots=True)
class _Parts:
    model: str  # h100, tpuv6e, rtxpro6000
    form: str  # pcie, nvl, or nothing for SXM and everything with one form
    gigabytes: int | None


@cache
def _parts(name: str) -> _Parts:
    words = [word for word in re.split(r"[\s\-_/]+", name.lower()) if word not in {"nvidia", "amd", "aws", "google"}]
    sizes = [int(word.removesuffix("gb")) for word in words if re.fullmatch(r"\d+gb", word)]
    forms = [word for word in words if word in {"pcie", "nvl"}]
    noise = {"sxm", "sxm2", "sxm3", "sxm4", "sxm5", "oam", "se", "server", "edition", "tensor", "core", *forms}
    model = "".join(word for word in words if word not in noise and not re.fullmatch(r"\d+gb", word))
    return _Parts(model, forms[0] if forms else "", sizes[0] if sizes else None)


def _agree(asked: _Parts, known: _Parts) -> bool:
    sizes_agree = asked.gigabytes is None or known.gigabytes is None or asked.gigabytes == known.gigabytes
    return asked.model == known.model and asked.form == known.form and sizes_agree
