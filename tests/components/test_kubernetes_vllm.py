"""The server's command line comes from the plan alone, and knows which version of vLLM reads which flag."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from components.kubernetes.vllm import Streaming, UnsupportedEngine, vllm_args
from sizing.performance.configuration.layout import Layout
from sizing.plan import Deployment
from tests.examples import CHAT_DEPLOYMENT

STREAMED = Streaming(buffer_bytes=4_000_000_000, distributed=True)


def args_of(deployment: Deployment, *, version: str = "0.27.1", streaming: Streaming | None = None) -> tuple[str, ...]:
    return vllm_args(deployment, version=version, shutdown_timeout_s=50, streaming=streaming)


def value_of(args: tuple[str, ...], flag: str) -> str:
    return args[args.index(flag) + 1]


def test_every_engine_setting_of_the_plan_becomes_its_flag():
    """TP4, 16,384 tokens, 256 sequences, 8,192 batched tokens, 92 % of memory, fp8 weights: as the example says."""
    assert args_of(CHAT_DEPLOYMENT) == (
        "serve",
        "$(MODEL)",
        "--served-model-name",
        "meta-llama/Llama-3.3-70B-Instruct",
        "--host",
        "0.0.0.0",  # noqa: S104
        "--port",
        "8000",
        "--tensor-parallel-size",
        "4",
        "--max-model-len",
        "16384",
        "--max-num-seqs",
        "256",
        "--max-num-batched-tokens",
        "8192",
        "--gpu-memory-utilization",
        "0.92",
        "--kv-cache-dtype",
        "auto",
        "--quantization",
        "fp8",
        "--shutdown-timeout",
        "50",
    )


def test_more_front_ends_than_ranks_are_asked_for():
    """VLLM starts one for each data-parallel rank by itself."""
    busy = replace(CHAT_DEPLOYMENT, engine=replace(CHAT_DEPLOYMENT.engine, front_ends=3))
    assert value_of(args_of(busy), "--api-server-count") == "3"
    ranks = replace(busy, layout=Layout(tp=2, dp=3))
    assert "--api-server-count" not in args_of(ranks)


def test_a_checkpoint_served_as_it_is_names_no_quantization():
    """The engine then reads the format from the checkpoint itself."""
    as_it_is = replace(CHAT_DEPLOYMENT, engine=replace(CHAT_DEPLOYMENT.engine, quantization=None))
    assert "--quantization" not in args_of(as_it_is)


def test_degrees_above_one_and_only_those_are_named():
    """TP is always stated; pipeline, data and expert parallelism where the layout has them."""
    wide = args_of(replace(CHAT_DEPLOYMENT, layout=Layout(tp=2, pp=2, dp=2, ep=4)))
    assert value_of(wide, "--tensor-parallel-size") == "2"
    assert value_of(wide, "--pipeline-parallel-size") == "2"
    assert value_of(wide, "--data-parallel-size") == "2"
    assert "--enable-expert-parallel" in wide
    contexts = args_of(replace(CHAT_DEPLOYMENT, layout=Layout(tp=8, cp=2, dcp=4)))
    assert value_of(contexts, "--prefill-context-parallel-size") == "2"
    assert value_of(contexts, "--decode-context-parallel-size") == "4"
    narrow = args_of(CHAT_DEPLOYMENT)
    assert not {"--pipeline-parallel-size", "--data-parallel-size", "--enable-expert-parallel"} & set(narrow)


def test_weights_in_a_bucket_are_streamed_by_all_ranks_together_within_their_memory():
    """Four ranks that each read all of the weights would read them four times, and hold whole files in memory."""
    args = args_of(CHAT_DEPLOYMENT, streaming=STREAMED)
    assert value_of(args, "--load-format") == "runai_streamer"
    loader = json.loads(value_of(args, "--model-loader-extra-config"))
    assert loader == {"memory_limit": 4_000_000_000, "distributed": True}


def test_a_single_rank_has_nothing_to_share():
    """Distributed streaming is left out on one accelerator; the memory is limited all the same."""
    args = args_of(replace(CHAT_DEPLOYMENT, layout=Layout(tp=1)), streaming=STREAMED)
    assert json.loads(value_of(args, "--model-loader-extra-config")) == {"memory_limit": 4_000_000_000}


def test_weights_from_the_hub_need_no_loader():
    """The engine's own is for files on disk."""
    assert "--load-format" not in args_of(CHAT_DEPLOYMENT)


def test_draining_is_not_asked_of_a_version_that_cannot():
    """--shutdown-timeout came with vLLM 0.18; older servers would refuse to start."""
    assert "--shutdown-timeout" not in args_of(CHAT_DEPLOYMENT, version="0.17.2")
    assert "--shutdown-timeout" in args_of(CHAT_DEPLOYMENT, version="0.18.0")


@pytest.mark.parametrize("gone", ["--swap-space", "--num-scheduler-steps", "--disable-log-requests"])
def test_flags_that_the_engine_dropped_are_never_written(gone):
    """A server of version 0.33 refuses to start with them."""
    assert gone not in args_of(CHAT_DEPLOYMENT, version="0.33.0", streaming=STREAMED)


@pytest.mark.parametrize("version", ["0.10.2", "latest", "nightly.1"])
def test_a_version_that_is_not_known_is_refused(version):
    """A guess at flags would be found out by a crash loop on paid machines."""
    with pytest.raises(UnsupportedEngine, match=version):
        args_of(CHAT_DEPLOYMENT, version=version)


def test_another_engine_is_refused():
    """The flags are vLLM's."""
    other = replace(CHAT_DEPLOYMENT, engine=replace(CHAT_DEPLOYMENT.engine, name="sglang"))
    with pytest.raises(UnsupportedEngine, match="sglang"):
        args_of(other, version="0.27.1")
