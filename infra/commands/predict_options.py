"""The options of `sizeup predict`, and every one that cannot be, told at once. Imports nothing that takes time."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

from infra.failures import WrongInput

PRECISIONS = ("fp32", "bf16", "fp8", "int8", "int4", "mxfp4", "nvfp4")
_ABOVE_ZERO = (
    *("tp", "pp", "ep", "dp", "cp", "dcp", "in_machine", "concurrency", "static_batch", "requests_per_s", "burstiness"),
    *("input_tokens", "output_tokens", "input_p95", "output_p95", "ttft_p95_s", "tpot_p95_s", "e2e_p95_s"),
    *("prefill_replicas", "decode_replicas", "transfer_gb_per_s", "prefixes", "prefix_tokens"),
    *("keep_layers", "keep_hidden", "keep_width", "keep_heads", "keep_experts", "parameters"),
)
_LOADS = ("concurrency", "static_batch", "requests_per_s", "offline")
_LIMITS = ("ttft_p95_s", "tpot_p95_s", "e2e_p95_s")
HIGHEST_P95_PER_MEAN = 3.868  # exp(1.6449^2 / 2): no lognormal has more

CALIBRATION_COLUMNS = """\
columns of the table of --calibrate, in any order, one metric a row:
  accel n_accel        device (H100-SXM-80GB, tpu-v6e, L40S) and how many
  model weight_dtype   name in the facts; bf16, fp16, fp8, int8, int4, nvfp4 ...
  mode                 agg: so many requests in flight; offline-max: all at once;
                       static-batch, single-stream: whole batches without a queue
  isl osl              prompt and answer tokens
  metric value         output_tps, output_tps_per_accel (tokens/s), ttft_ms, tpot_ms
  concurrency          requests in flight; blank or max: as many as memory holds
  optional             id, group, scenario, software (vllm, sglang, tensorrt-llm and
                       version), kv_dtype, tp, pp, ep, dp, n_nodes, flags"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = CALIBRATION_COLUMNS
    command.add_argument("model", nargs="?", help="name in the facts, or path to a Hugging Face config.json")
    _configuration(command.add_argument_group("configuration"))
    _speculation(command.add_argument_group("speculative decoding"))
    _pools(command.add_argument_group("prefill and decode apart"))
    _tiers(command.add_argument_group("prefixes kept in tiers"))
    _size(command.add_argument_group("a smaller version of the model, by your own figures"))
    _traffic(command.add_argument_group("load"))
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--explain", action="store_true", help="every byte, operation and second, to be checked by hand")
    shown.add_argument("--curve", action="store_true", help="throughput, latency and memory by batch, and the knee")
    shown.add_argument("--compare-weights", action="store_true", help="every precision that runs, side by side")
    _calibration(command.add_argument_group("your own measurements"))
    command.add_argument("--json", action="store_true", help="the same content as JSON")


def _configuration(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--accelerator", metavar="NAME", help="nvidia-h100-80gb, tpu-v6e, ...")
    group.add_argument("--machine", metavar="NAME", help="p5.48xlarge, a3-highgpu-8g: its accelerators and network")
    group.add_argument(
        "--in-machine", type=int, metavar="N", help="accelerators that a machine has (default: those of the replica)"
    )
    group.add_argument("--tp", type=int, default=1, help="tensor-parallel degree (default 1)")
    group.add_argument("--pp", type=int, default=1, help="pipeline stages (default 1)")
    group.add_argument("--dp", type=int, default=1, help="ranks that split attention by requests (default 1)")
    group.add_argument("--cp", type=int, default=1, help="ranks that split contexts (default 1)")
    group.add_argument(
        "--dcp", type=int, default=1, help="tensor ranks that share a cache instead of copies (default 1)"
    )
    group.add_argument("--ep", type=int, default=1, help="expert-parallel degree (default 1)")
    group.add_argument("--weights", help=f"{', '.join(PRECISIONS[1:4])}, ... (default: as published)")
    group.add_argument("--kv", default="bf16", help="precision of the cache (default bf16)")
    group.add_argument("--engine", default="vllm", help="vllm, sglang or tensorrt-llm (default vllm)")


def _speculation(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--draft-tokens", type=int, metavar="N", help="tokens that a draft runs ahead")
    group.add_argument("--acceptance", type=float, metavar="A", help="chance that a drafted token is right, 0 to 1")
    group.add_argument("--draft-model", metavar="NAME", help="what drafts (default: a head of one layer on the model)")


def _pools(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--prefill-replicas", type=int, metavar="N", help="replicas that only read prompts")
    group.add_argument("--decode-replicas", type=int, metavar="N", help="replicas that only answer (default 1)")
    group.add_argument("--prefill-layout", metavar="LAYOUT", help="TP8, or DP8,EP8 (default: as the decode replicas)")
    group.add_argument(
        "--transfer-gb-per-s", type=float, metavar="GB", help="network of an accelerator (default: its own)"
    )
    group.add_argument(
        "--layer-streamed", action="store_true", help="caches are sent layer by layer, behind the prefill"
    )


def _tiers(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--prefixes", type=int, metavar="N", help="different prefixes in use")
    group.add_argument("--prefix-tokens", type=int, metavar="N", help="tokens of a prompt that recur")
    group.add_argument("--recurring", type=float, default=1.0, help="share of prompts with a known prefix (default 1)")
    group.add_argument("--zipf", type=float, default=0.0, help="popularity falls as rank^-ZIPF (default 0: alike)")
    group.add_argument(
        "--cache-tier",
        action="append",
        default=[],
        metavar="NAME:GB:GB/s",
        help="beyond HBM, and again: capacity, and what an accelerator loads",
    )


def _size(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--keep-layers", type=int, metavar="N", help="layers that pruning keeps")
    group.add_argument("--keep-hidden", type=int, metavar="N", help="hidden width that it keeps")
    group.add_argument("--keep-width", type=int, metavar="N", help="feed-forward width, or that of each expert")
    group.add_argument("--keep-heads", type=int, metavar="N", help="query heads; key-value heads in proportion")
    group.add_argument("--keep-experts", type=int, metavar="N", help="routed experts")
    group.add_argument("--parameters", type=float, metavar="N", help="size of a distilled student: 6.5e9")


def _traffic(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--input-tokens", type=int, default=1000, metavar="N", help="of a prompt (default 1000)")
    group.add_argument("--output-tokens", type=int, default=200, metavar="N", help="of an answer (default 200)")
    spread = "95th percentile of {}, of random arrivals (default: all alike)"
    group.add_argument("--input-p95", type=int, metavar="N", help=spread.format("prompts"))
    group.add_argument("--output-p95", type=int, metavar="N", help=spread.format("answers"))
    group.add_argument("--prefix-hit", type=float, default=0.0, help="share of prompt tokens in the cache (default 0)")
    load = group.add_mutually_exclusive_group()
    load.add_argument("--concurrency", type=int, metavar="N", help="requests kept in flight (default 1: one stream)")
    load.add_argument("--offline", action="store_true", help="all requests at once: the highest throughput")
    load.add_argument("--static-batch", type=int, metavar="N", help="one batch: all prompts, then all answers")
    load.add_argument("--requests-per-s", type=float, metavar="RATE", help="random arrivals at this rate")
    group.add_argument(
        "--burstiness",
        type=float,
        default=1.0,
        help="squared coefficient of variation of arrivals (default 1: Poisson)",
    )
    limit = "limit of {} at the 95th percentile: find the highest rate within"
    group.add_argument("--ttft-p95-s", type=float, metavar="S", help=limit.format("time to first token"))
    group.add_argument("--tpot-p95-s", type=float, metavar="S", help=limit.format("time per output token"))
    group.add_argument("--e2e-p95-s", type=float, metavar="S", help=limit.format("the whole request"))


def _calibration(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--calibrate", type=Path, metavar="CSV", help="fit the constants to a table of measurements")
    group.add_argument("--out", type=Path, metavar="JSON", help="where to write the fitted constants")
    group.add_argument("--efficiencies", type=Path, metavar="JSON", help="predict with constants fitted before")


def check_options(options: argparse.Namespace) -> None:
    """
    Nothing, where every option can be.

    Raises:
        WrongInput: With all that cannot, each with its mend.
    """
    wrong = [
        *_missing(options),
        *_out_of_range(options),
        *_of_speculation(options),
        *_of_pools(options),
        *_of_tiers(options),
        *_contradictions(options),
    ]
    if wrong:
        raise WrongInput("\n  ".join(wrong))


def _missing(options: argparse.Namespace) -> Iterator[str]:
    if options.model is None:
        yield "no model\n    hint: name one of `sizeup facts list models`, or a config.json"
    if options.accelerator is None and options.machine is None:
        yield "no --accelerator\n    hint: name one of `sizeup facts list accelerators`, or a --machine"


def _out_of_range(options: argparse.Namespace) -> Iterator[str]:
    for option in _ABOVE_ZERO:
        value = getattr(options, option)
        if value is not None and not 0 < value < math.inf:
            yield f"{flag(option)} is {value}, but must be above 0 and finite\n    hint: give a number above 0"
    for option in ("weights", "kv"):
        value = getattr(options, option)
        if value is not None and value not in PRECISIONS:
            yield f"--{option} is {value!r}, which is no precision\n    hint: one of {', '.join(PRECISIONS)}"
    if not 0 <= options.prefix_hit < 1:
        yield f"--prefix-hit is {options.prefix_hit}, but is a share\n    hint: 0 or more, and less than 1"
    for mean, p95 in (("input_tokens", "input_p95"), ("output_tokens", "output_p95")):
        least, most = getattr(options, mean), int(getattr(options, mean) * HIGHEST_P95_PER_MEAN)
        value = getattr(options, p95)
        if value is not None and not least <= value <= most:
            yield f"{flag(p95)} is {value}, but the mean is {least}\n    hint: {least} to {most} tokens"


def _of_speculation(options: argparse.Namespace) -> Iterator[str]:
    needed = (
        ("draft_tokens", "tokens that it runs ahead"),
        ("acceptance", "a share from 0 to 1, as measured on answers like yours"),
    )
    asked = [name for name in ("draft_tokens", "acceptance", "draft_model") if getattr(options, name) is not None]
    for name, mend in needed:
        if asked and name not in asked:
            yield f"{flag(asked[0])} without {flag(name)}\n    hint: give {flag(name)}: {mend}"
    if options.draft_tokens is not None and options.draft_tokens < 1:
        yield f"--draft-tokens is {options.draft_tokens}, but a draft has at least one\n    hint: 1 or more"
    if options.acceptance is not None and not 0 <= options.acceptance <= 1:
        yield f"--acceptance is {options.acceptance}, but is a share\n    hint: 0 to 1"


def _of_pools(options: argparse.Namespace) -> Iterator[str]:
    apart = [name for name in ("decode_replicas", "prefill_layout", "transfer_gb_per_s") if getattr(options, name)]
    if options.layer_streamed:
        apart.append("layer_streamed")
    if options.prefill_replicas is None and apart:
        yield f"{flag(apart[0])} is of pools\n    hint: give --prefill-replicas"
    if options.prefill_replicas is not None:
        whole = ("explain", "curve", "compare_weights", "offline", "static_batch", "prefixes")
        for option in [name for name in whole if getattr(options, name)]:
            yield f"{flag(option)} is of one replica, and --prefill-replicas of two pools\n    hint: leave one out"


def _of_tiers(options: argparse.Namespace) -> Iterator[str]:
    if (options.prefixes is None) != (options.prefix_tokens is None):
        yield "--prefixes and --prefix-tokens go together: how many there are, and how long\n    hint: give both"
    if options.cache_tier and options.prefixes is None:
        yield "--cache-tier keeps prefixes\n    hint: give --prefixes and --prefix-tokens"
    if options.prefix_tokens is not None and options.prefix_tokens > options.input_tokens:
        yield (
            f"--prefix-tokens is {options.prefix_tokens}, but is a part of {options.input_tokens} prompt tokens\n"
            "    hint: give fewer, or more --input-tokens"
        )
    if not 0 <= options.recurring <= 1:
        yield f"--recurring is {options.recurring}, but is a share\n    hint: 0 to 1"
    if not 0 <= options.zipf < 1:
        yield f"--zipf is {options.zipf}\n    hint: 0 (all alike) or more, and below 1"
    if options.prefixes is not None:
        for option in [
            name
            for name in ("prefix_hit", "explain", "curve", "compare_weights", "static_batch")
            if getattr(options, name)
        ]:
            yield f"{flag(option)} and --prefixes do not go together\n    hint: leave one out"


def _contradictions(options: argparse.Namespace) -> Iterator[str]:
    if options.machine is not None and (options.accelerator or options.in_machine):
        yield "--machine tells the accelerators and their number\n    hint: leave --accelerator and --in-machine out"
    load = next((name for name in _LOADS if getattr(options, name) not in {None, False}), None)
    limits = [name for name in _LIMITS if getattr(options, name) is not None]
    if limits and load is not None:
        yield f"{flag(limits[0])} asks for the highest rate, and {flag(load)} sets the load\n    hint: leave one out"
    random = bool(limits) or load == "requests_per_s"
    if not random:
        spread = {
            "burstiness": options.burstiness != 1.0,
            "input_p95": options.input_p95,
            "output_p95": options.output_p95,
        }
        for option in [name for name, value in spread.items() if value]:
            yield f"{flag(option)} is of random arrivals\n    hint: give --requests-per-s, or a limit"
    if options.static_batch is not None and options.prefix_hit:
        yield "--prefix-hit: a static batch reads every prompt\n    hint: give --concurrency or --offline"
    if options.curve and (load is not None or limits):
        given = flag(load or limits[0])
        yield f"--curve goes over all loads, and {given} sets one\n    hint: leave {given} out"
    if options.parameters is not None and options.keep_layers is not None:
        yield "--parameters finds the layers that --keep-layers sets\n    hint: leave one out"
    if options.out is not None and options.calibrate is None:
        yield "--out is where --calibrate writes\n    hint: give --calibrate, or --json and a redirection"


def flag(option: str) -> str:
    """The option as it is typed."""
    return f"--{option.replace('_', '-')}"
