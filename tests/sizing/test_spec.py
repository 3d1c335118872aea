"""Reading a spec: every mistake at once, defaults told, and a hash of what is asked and of nothing else."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog import Catalog, Cloud, Precision, catalog
from sizing.errors import InvalidSpec, Problem
from sizing.spec.lengths import percentile
from sizing.spec.read import model_paths, read_spec
from sizing.spec.workload import Survive, TokenLengths

CHAT: dict[str, Any] = {
    "cloud": "aws",
    "regions": ["us-east-1", "us-west-2"],
    "budget_usd_per_month": 90000,
    "workloads": [
        {
            "name": "chat",
            "kind": "serving",
            "model": "meta-llama/Llama-3.3-70B-Instruct",
            "traffic": {
                "requests_per_s": 12,
                "input_tokens": {"mean": 1800, "p95": 6000},
                "output_tokens": {"mean": 320, "p95": 900},
                "prefix_hit": 0.3,
            },
            "objectives": {"ttft_p95_s": 0.8, "tpot_p95_s": 0.045},
            "allow": {"weights": ["bf16", "fp8"], "spot_share": 0.3},
            "survive": "zone",
        }
    ],
}
HASH_OF_CHAT_BEFORE = "bb9fcab49d63bf1ec62f55ede7ecc7ca6d1afbda7b91b23afdb5b24d88dd2379"  # as of 040f39e, 2026-11-21
SMALL_CONFIG = json.dumps(
    {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 8192,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
).encode()


def changed(path: tuple[str | int, ...], value: object, *, spec: Mapping[str, Any] = CHAT) -> dict[str, Any]:
    """The chat spec with another value at *path*; `...` takes it away."""
    document: Any = copy.deepcopy(dict(spec))
    place = document
    for part in path[:-1]:
        place = place[part]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document  # type: ignore[no-any-return]


def mistakes(mapping: Mapping[str, Any], **options: Any) -> tuple[Problem, ...]:
    """The problems of a spec that must have some."""
    with pytest.raises(InvalidSpec) as error:
        read_spec(mapping, catalog=catalog(), **options)
    return error.value.problems


WORK = ("workloads", 0)


def test_a_spec_becomes_values_in_base_units() -> None:
    spec = read_spec(CHAT, catalog=catalog())
    (chat,) = spec.workloads
    assert (spec.clouds, spec.regions, spec.zones) == ((Cloud.AWS,), ("us-east-1", "us-west-2"), ())
    assert (spec.budget_usd_per_month, spec.headroom) == (90000.0, 0.2)
    assert chat.model.layers == 80
    assert chat.model.hub_id == "meta-llama/Llama-3.3-70B-Instruct"
    assert chat.traffic.input_tokens == TokenLengths(mean=1800, p95=6000)
    assert (chat.traffic.requests_per_s, chat.traffic.prefix_hit, chat.traffic.burstiness) == (12, 0.3, 1)
    assert (chat.objectives.ttft_p95_s, chat.objectives.tpot_p95_s, chat.objectives.e2e_p95_s) == (0.8, 0.045, None)
    assert chat.allowed.weights == (Precision.BF16, Precision.FP8)
    assert (chat.allowed.spot_share, chat.allowed.min_spot_share) == (0.3, 0)
    assert (chat.survive, chat.engine) == (Survive.ZONE, "vllm")


def test_a_bare_number_of_tokens_is_the_mean_and_its_p95_is_told_as_an_assumption() -> None:
    """Without a p95, three times the mean: an exponential distribution has ln 20 = 2.996."""
    spec = read_spec(changed((*WORK, "traffic", "input_tokens"), 1800), catalog=catalog())
    assert spec.workloads[0].traffic.input_tokens == TokenLengths(mean=1800, p95=5400)
    assert "chat: p95 of prompt length is 5400 tokens: 3 x mean, as if exponential" in spec.assumptions


def test_the_longest_context_is_both_p95_rounded_up_to_1024() -> None:
    """6,000 + 900 = 6,900 tokens, up to 7 x 1,024 = 7,168."""
    spec = read_spec(CHAT, catalog=catalog())
    assert spec.workloads[0].max_context_tokens == 7168
    assert any("at most 7168 tokens" in text for text in spec.assumptions)


def test_the_longest_context_stays_within_the_model() -> None:
    """Two p95 of 7,500 tokens make 15 x 1,024 = 15,360; the model takes 8,192."""
    traffic = {"requests_per_s": 1, "input_tokens": 2500, "output_tokens": 2500}
    work = {**CHAT["workloads"][0], "model": "m.json", "hub_id": "acme/small", "traffic": traffic}
    spec = read_spec({**CHAT, "workloads": [work]}, catalog=catalog(), model_configs={"m.json": SMALL_CONFIG})
    assert spec.workloads[0].max_context_tokens == 8192


def test_weights_are_served_as_the_checkpoint_is_unless_more_is_allowed() -> None:
    spec = read_spec(changed((*WORK, "allow"), {}), catalog=catalog())
    assert spec.workloads[0].allowed.weights == (Precision.BF16,)
    assert spec.workloads[0].allowed.kv == (Precision.BF16,)
    assert "chat: weights are served as the checkpoint is, in bf16" in spec.assumptions


def test_a_repository_that_holds_fp8_weights_is_served_from_there_in_fp8() -> None:
    """Qwen3-32B is published in bf16, and as Qwen3-32B-FP8; both are the same architecture."""
    work = {**CHAT["workloads"][0], "model": "Qwen/Qwen3-32B-FP8", "allow": {}}
    (qwen,) = read_spec({**CHAT, "workloads": [work]}, catalog=catalog()).workloads
    assert (qwen.model.hub_id, qwen.allowed.weights) == ("Qwen/Qwen3-32B-FP8", (Precision.FP8,))


def test_a_short_name_loads_the_repository_of_the_facts() -> None:
    """However the same model is named, the same is asked, down to the hash."""
    full = read_spec(CHAT, catalog=catalog())
    short = read_spec(changed((*WORK, "model"), "llama-3.3-70b"), catalog=catalog())
    stated = read_spec(changed((*WORK, "hub_id"), "meta-llama/Llama-3.3-70B-Instruct"), catalog=catalog())
    assert short.workloads[0].model.hub_id == "meta-llama/Llama-3.3-70B-Instruct"
    assert short == full == stated


def test_a_model_that_the_facts_lack_is_given_by_its_config_and_where_its_weights_are() -> None:
    work = {**CHAT["workloads"][0], "model": "models/small.json", "hub_id": "acme/small"}
    mapping = {**CHAT, "workloads": [work]}
    assert model_paths(mapping) == ("models/small.json",)
    (small,) = read_spec(mapping, catalog=catalog(), model_configs={"models/small.json": SMALL_CONFIG}).workloads
    assert (small.model.layers, small.model.hub_id, small.model.max_context) == (32, "acme/small", 8192)


def test_a_list_of_clouds_is_a_choice() -> None:
    spec = read_spec({**CHAT, "cloud": ["aws", "gcp"], "regions": ["us-east-1", "us-central1"]}, catalog=catalog())
    assert spec.clouds == (Cloud.AWS, Cloud.GCP)


MISTAKES: list[tuple[tuple[str | int, ...], object, str, str, str]] = [
    # where, what is written there, path of the problem, what, mend
    (("cloud",), "azure", "cloud", "is azure, which is not one of aws, gcp", "choose from aws, gcp"),
    (("cloud",), "asw", "cloud", "is asw", "did you mean aws?"),
    (("cloud",), ["aws", "gcp"], "regions", "names no region of gcp", "add a region of gcp"),
    (("regions",), ["us-esat-1"], "regions[0]", "is no region of aws", "did you mean us-east-1?"),
    (("regions",), ["us-central1"], "regions[0]", "is a region of gcp, and cloud is aws", "add gcp to cloud"),
    (("regions",), ["mars"], "regions[0]", "mars is no region of aws", "regions: af-south-1, "),
    (("regions",), [], "regions", "is empty", "for example [us-east-1, us-west-2]"),
    (("regions",), ["us-east-1", "us-east-1"], "regions", "names us-east-1 twice", "once"),
    (("regions",), "us-east-1", "regions", "is us-east-1, but must be a list", "for example"),
    (("zones",), ["use1-az44"], "zones[0]", "use1-az44 is no zone of the regions", "use1-az4"),
    (("zones",), ["us-east-1a"], "zones[0]", "is a zone name", "give zone ids; zones: use1-az1"),
    (("zones",), ["use2-az1"], "zones[0]", "lies in us-east-2, which is not among regions", "add us-east-2"),
    (("zones",), ["use1-az1"], "zones", "names no two zones of one region", "add a zone"),
    (("budget_usd_per_month",), 0, "budget_usd_per_month", "is 0, but must be greater than 0", "USD per month"),
    (
        ("budget_usd_per_month",),
        "90000",
        "budget_usd_per_month",
        "must be a number, in plain digits without quotes",
        "for example",
    ),
    (("headroom",), 1, "headroom", "is 1, but must be less than 1", "for example 0.2"),
    (
        (*WORK, "objectives", "confidence"),
        0.4,
        "workloads[0].objectives.confidence",
        "is 0.4, but must be at least 0.5",
        "for example 0.8",
    ),
    (
        (*WORK, "objectives", "confidence"),
        80,
        "workloads[0].objectives.confidence",
        "is 80, but must be at most 0.99",
        "for example 0.8",
    ),
    (("headrom",), 0.1, "headrom", "is no key that is known here", "did you mean headroom?"),
    (("workloads",), ..., "workloads", "is missing", "what must be served"),
    (("workloads",), [], "workloads", "is empty", "what must be served"),
    ((*WORK, "name"), "Chat Bot", "workloads[0].name", "is Chat Bot", "lower-case letters"),
    ((*WORK, "kind"), "training", "workloads[0].kind", "is training, which is not sized yet", "only serving"),
    ((*WORK, "kind"), "servin", "workloads[0].kind", "is servin", "did you mean serving?"),
    (
        (*WORK, "model"),
        "meta-llama/Llama-3.3-70B-Instrct",
        "workloads[0].model",
        "is no model in the facts",
        "did you mean meta-llama/Llama-3.3-70B-Instruct",
    ),
    ((*WORK, "model"), "zzz", "workloads[0].model", "zzz is no model in the facts", "config.json"),
    ((*WORK, "model"), "m.json", "workloads[0].model", "m.json: there is no such file", "path from the stack file"),
    ((*WORK, "trafic"), {}, "workloads[0].trafic", "is no key that is known here", "did you mean traffic?"),
    ((*WORK, "traffic"), ..., "workloads[0].traffic", "is missing", "what arrives at the peak"),
    (
        (*WORK, "traffic", "requests_per_s"),
        1e9,
        "workloads[0].traffic.requests_per_s",
        "is 1e+09, but must be at most 100000",
        "for example 12",
    ),
    ((*WORK, "traffic"), 12, "workloads[0].traffic", "is 12, but must be a mapping", "what arrives"),
    (
        (*WORK, "traffic", "requests_per_s"),
        -12,
        "workloads[0].traffic.requests_per_s",
        "is -12, but must be greater than 0",
        "requests per second at the peak, for example 12",
    ),
    ((*WORK, "traffic", "requests_per_s"), True, "workloads[0].traffic.requests_per_s", "is true, but must be", "12"),
    ((*WORK, "traffic", "requests_per_s"), None, "workloads[0].traffic.requests_per_s", "is empty, but must", "12"),
    ((*WORK, "traffic", "requests_per_s"), 10**400, "workloads[0].traffic.requests_per_s", "is 1000", "12"),
    ((*WORK, "traffic", "requests_per_s"), float("nan"), "workloads[0].traffic.requests_per_s", "is nan", "12"),
    ((*WORK, "traffic", "input_tokens"), 0, "workloads[0].traffic.input_tokens", "must be at least 1", "mean"),
    (
        (*WORK, "traffic", "input_tokens", "p95"),
        1000,
        "workloads[0].traffic.input_tokens",
        "p95 is 1000, which is less than the mean of 1800",
        "1800",
    ),
    (
        (*WORK, "traffic", "input_tokens", "p95"),
        7000,
        "workloads[0].traffic.input_tokens",
        "p95 is 7000, which no lognormal distribution with a mean of 1800 has",
        "3.868 x mean, 6962",
    ),
    ((*WORK, "traffic", "prefix_hit"), 1, "workloads[0].traffic.prefix_hit", "must be less than 1", "0.3"),
    ((*WORK, "traffic", "input_tokens"), 200000, "workloads[0].traffic", "the model takes 131072 at most", "shorten"),
    ((*WORK, "objectives"), {}, "workloads[0].objectives", "states no limit", "ttft_p95_s"),
    ((*WORK, "objectives", "tpot_p95"), 1, "workloads[0].objectives.tpot_p95", "is no key", "did you mean tpot_p95_s"),
    ((*WORK, "objectives", "ttft_p95_s"), 0, "workloads[0].objectives.ttft_p95_s", "greater than 0", "seconds"),
    # limits that were given in milliseconds
    ((*WORK, "objectives", "ttft_p95_s"), 800, "workloads[0].objectives.ttft_p95_s", "at most 120", "in seconds, for"),
    ((*WORK, "objectives", "tpot_p95_s"), 45, "workloads[0].objectives.tpot_p95_s", "at most 5", "example 0.045"),
    ((*WORK, "allow", "weights"), ["bf61"], "workloads[0].allow.weights[0]", "is bf61", "did you mean bf16?"),
    ((*WORK, "allow", "weights"), [], "workloads[0].allow.weights", "is empty", "precisions"),
    ((*WORK, "allow", "accelerators"), ["tpu-v6e"], "workloads[0].allow.accelerators[0]", "not rented by aws", "facts"),
    ((*WORK, "allow", "machines"), ["p5.48xlage"], "workloads[0].allow.machines[0]", "is no machine", "p5.48xlarge"),
    ((*WORK, "allow", "min_spot_share"), 0.5, "workloads[0].allow", "above the spot_share of 0.3", "0.5 or more"),
    ((*WORK, "allow", "spot_share"), 1.5, "workloads[0].allow.spot_share", "must be at most 1", "0 to 1"),
    ((*WORK, "survive"), "zon", "workloads[0].survive", "is zon", "did you mean zone?"),
    ((*WORK, "max_context_tokens"), 200000, "workloads[0].max_context_tokens", "takes 131072 tokens", "131072 or less"),
    ((*WORK, "max_context_tokens"), 8192.5, "workloads[0].max_context_tokens", "must be a whole number", "8192"),
    ((*WORK, "engine"), "sglang", "workloads[0].engine", "is sglang, which is not one of vllm", "vllm"),
]


@pytest.mark.parametrize(("where", "written", "path", "what", "mend"), MISTAKES)
def test_a_mistake_is_told_with_place_reason_and_mend(
    where: tuple[str | int, ...], written: object, path: str, what: str, mend: str
) -> None:
    (problem,) = mistakes(changed(where, written))
    assert problem.path == path
    assert what in problem.what
    assert mend in problem.mend


def test_all_mistakes_are_told_at_once() -> None:
    """In the spec itself, in two workloads, and between them."""
    wrong = changed(("regions",), ["us-esat-1"])
    wrong["workloads"][0]["traffic"]["requests_per_s"] = -1
    wrong["workloads"][0]["objectives"]["tpot_p95_s"] = "fast"
    wrong["workloads"].append({**CHAT["workloads"][0], "model": "unknown"})
    assert [problem.path for problem in mistakes(wrong)] == [
        "regions[0]",
        "workloads[0].traffic.requests_per_s",
        "workloads[0].objectives.tpot_p95_s",
        "workloads[1].model",
        "workloads[1].name",
    ]


def test_paths_carry_the_prefix_and_the_error_its_source() -> None:
    with pytest.raises(InvalidSpec, match=r"1 mistake in stacks/Pulumi\.chat\.yaml") as error:
        read_spec(changed(("cloud",), "asw"), catalog=catalog(), source="stacks/Pulumi.chat.yaml", prefix="sizeup:")
    assert error.value.problems[0].path == "sizeup:cloud"


def test_a_name_that_the_spot_part_of_another_workload_takes_is_told() -> None:
    """The part of chat on spot machines is deployed as chat-spot."""
    twin = {**CHAT["workloads"][0], "name": "chat-spot"}
    (problem,) = mistakes({**CHAT, "workloads": [CHAT["workloads"][0], twin]})
    assert (problem.path, "spot part of chat" in problem.what) == ("workloads[1].name", True)


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"{", "is no JSON"), (b"[]", "is no JSON object"), (b'{"model_type": "llama"}', "m.json: "), (b"\xff", "is no")],
)
def test_a_model_configuration_that_cannot_be_read_is_a_mistake_of_the_spec(content: bytes, what: str) -> None:
    work = {**CHAT["workloads"][0], "model": "m.json", "hub_id": "acme/small"}
    (problem,) = mistakes({**CHAT, "workloads": [work]}, model_configs={"m.json": content})
    assert problem.path == "workloads[0].model"
    assert what in problem.what


def test_a_path_to_a_configuration_needs_the_repository_of_the_weights() -> None:
    work = {**CHAT["workloads"][0], "model": "m.json"}
    (problem,) = mistakes({**CHAT, "workloads": [work]}, model_configs={"m.json": SMALL_CONFIG})
    assert problem.path == "workloads[0].hub_id"
    assert "does not tell where the weights are" in problem.what


def test_order_of_keys_and_way_of_writing_numbers_do_not_change_the_hash() -> None:
    """JSON knows no difference between 12 and 12.0, YAML does."""
    turned = json.loads(json.dumps(CHAT, sort_keys=True))
    turned["workloads"][0]["traffic"]["requests_per_s"] = 12.0
    turned["workloads"][0]["traffic"]["input_tokens"] = {"p95": 6000.0, "mean": 1800.0}
    turned["budget_usd_per_month"] = 9e4
    turned["cloud"] = ["aws"]
    assert read_spec(turned, catalog=catalog()) == read_spec(CHAT, catalog=catalog())


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("regions",), ["us-east-1"]),
        (("budget_usd_per_month",), 90001),
        (("headroom",), 0.25),
        (("zones",), ["use1-az1", "use1-az2"]),
        ((*WORK, "name"), "talk"),
        ((*WORK, "model"), "meta-llama/Llama-3.1-70B-Instruct"),
        ((*WORK, "hub_id"), "acme/tuned"),
        ((*WORK, "traffic", "requests_per_s"), 12.5),
        ((*WORK, "traffic", "input_tokens", "p95"), 6001),
        ((*WORK, "traffic", "prefix_hit"), 0.31),
        ((*WORK, "traffic", "burstiness"), 2),
        ((*WORK, "objectives", "ttft_p95_s"), 0.81),
        ((*WORK, "objectives", "e2e_p95_s"), 30),
        ((*WORK, "objectives", "confidence"), 0.8),
        ((*WORK, "allow", "weights"), ["bf16"]),
        ((*WORK, "allow", "kv"), ["fp8"]),
        ((*WORK, "allow", "machines"), ["p5.48xlarge"]),
        ((*WORK, "allow", "spot_share"), 0.31),
        ((*WORK, "survive"), "none"),
        ((*WORK, "max_context_tokens"), 16384),
    ],
)
def test_asking_for_something_else_changes_the_hash(where: tuple[str | int, ...], value: object) -> None:
    other = read_spec(changed(where, value), catalog=catalog())
    assert other.hash != read_spec(CHAT, catalog=catalog()).hash


def test_a_confidence_of_the_median_is_what_was_asked_before_there_was_one() -> None:
    """So that a plan that was locked before does not become stale; more of it is another question."""
    told = read_spec(changed((*WORK, "objectives", "confidence"), 0.5), catalog=catalog())
    untold = read_spec(CHAT, catalog=catalog())
    assert told.hash == untold.hash == HASH_OF_CHAT_BEFORE
    assert untold.workloads[0].objectives.confidence == 0.5
    assert len(untold.assumptions) == len(told.assumptions) + 1


def test_the_bytes_of_a_model_configuration_are_part_of_what_is_asked() -> None:
    """Also where they make no other model."""
    work = {**CHAT["workloads"][0], "model": "m.json", "hub_id": "acme/small"}
    mapping = {**CHAT, "workloads": [work]}
    before = read_spec(mapping, catalog=catalog(), model_configs={"m.json": SMALL_CONFIG})
    after = read_spec(mapping, catalog=catalog(), model_configs={"m.json": SMALL_CONFIG + b"\n"})
    assert before.workloads == after.workloads
    assert before.hash != after.hash


def test_newer_facts_do_not_change_what_was_asked() -> None:
    """Another parameter count, another context length, another checkpoint precision: figures, not the ask."""
    known = catalog()
    newer: Catalog = dataclasses.replace(
        known,
        models=tuple(
            dataclasses.replace(model, parameters=1, max_context=10**6, native_precision=Precision.INT4)
            for model in known.models
        ),
        hash="newer",
    )
    plain = changed((*WORK, "allow"), {})
    before, after = read_spec(plain, catalog=known), read_spec(plain, catalog=newer)
    assert before.workloads[0].allowed.weights != after.workloads[0].allowed.weights
    assert before.hash == after.hash


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    ("cloud",),
    ("regions",),
    ("zones",),
    ("headroom",),
    ("workloads",),
    WORK,
    *((*WORK, key) for key in CHAT["workloads"][0]),
    (*WORK, "traffic", "input_tokens"),
    (*WORK, "allow", "accelerators"),
    (*WORK, "hub_id"),
]


@settings(deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_whatever_is_written_is_read_or_told(where: tuple[str | int, ...], value: object) -> None:
    """No value of any kind in any place ends in anything but a spec or a list of mistakes."""
    problems: tuple[Problem, ...] = ()
    try:
        read_spec(changed(where, value), catalog=catalog())
    except InvalidSpec as error:
        problems = error.problems
    assert all(problem.path and problem.what and problem.mend for problem in problems)


def test_pydantic_is_not_imported_before_a_spec_is_read() -> None:
    """`import sizing` must stay light."""
    code = "import sys, sizing.spec.read, sizing.lockfile, sizing.diff; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603  our own interpreter


PROMPTS = (*WORK, "traffic", "input_tokens")


def test_lengths_may_be_told_by_more_percentiles_than_one() -> None:
    """Half of the prompts are short and one in ten very long: no lognormal, and every figure that is given is kept."""
    told = {"mean": 1300, "p50": 100, "p90": 4000, "p95": 8000, "p99": 16000}
    lengths = read_spec(changed(PROMPTS, told), catalog=catalog()).workloads[0].traffic.input_tokens
    assert lengths.mean == pytest.approx(1300, rel=1e-3)
    assert lengths.p95 == 8000
    assert percentile(lengths, 0.5) == pytest.approx(100, rel=0.05)
    assert percentile(lengths, 0.9) == pytest.approx(4000, rel=0.05)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"mean": 1000, "p50": 900}, "one percentile"),
        ({"mean": 1000, "p50": 900, "p95": 800}, "rise"),
        ({"mean": 9000, "p50": 100, "p95": 200}, "the mean is"),
    ],
)
def test_percentiles_that_no_lengths_have_are_mistakes_of_the_spec(told: dict[str, float], said: str) -> None:
    (problem,) = mistakes(changed(PROMPTS, told))
    assert said in problem.what
    assert "input_tokens" in problem.path


def test_a_percentile_that_is_given_makes_another_spec() -> None:
    """Those that are not leave the hash as it was, so that locked plans stay fresh (see the hash of the chat above)."""
    with_median = {"mean": 1800, "p95": 6000, "p50": 950}
    assert read_spec(changed(PROMPTS, with_median), catalog=catalog()).hash != HASH_OF_CHAT_BEFORE
