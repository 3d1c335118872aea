"""`sizeup predict` as a user meets it: every view in text and JSON, and every mistake before anything is predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sizing.performance.passes.efficiency import packaged
from tests.project import sizeup

ON_H100 = ["predict", "Llama-3.1-8B", "--accelerator", "nvidia-h100-80gb"]
VIEWS = [["--explain"], ["--curve"], ["--compare-weights"]]
CONFIGURATIONS = {
    "dense": ["Llama-3.1-8B", "--accelerator", "nvidia-h100-80gb"],
    "tensor parallel": ["Llama-3.3-70B", "--accelerator", "nvidia-h100-80gb", "--tp", "4", "--weights", "fp8"],
    "latent attention": ["DeepSeek-R1", "--accelerator", "nvidia-h200-141gb", "--tp", "8", "--ep", "8"],
    "by requests": ["DeepSeek-R1", "--accelerator", "nvidia-h200-141gb", "--dp", "8", "--ep", "8"],
    "shared caches": ["DeepSeek-R1", "--accelerator", "nvidia-h200-141gb", "--tp", "8", "--ep", "8", "--dcp", "8"],
    "windows": ["gpt-oss-120b", "--accelerator", "nvidia-h100-80gb", "--tp", "2"],
    "TPU": ["Llama-3.3-70B", "--accelerator", "tpu-v6e", "--tp", "8"],
    "Neuron": ["Llama-3.1-8B", "--accelerator", "aws-inferentia2", "--tp", "4"],
    "two machines": ["Llama-3.1-405B", "--machine", "p5.48xlarge", "--tp", "8", "--pp", "2"],
    "drafts": [
        *("Llama-3.3-70B", "--accelerator", "nvidia-h100-80gb", "--tp", "4", "--weights", "fp8"),
        *("--draft-tokens", "3", "--acceptance", "0.7"),
    ],
}
EACH = pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS)


@EACH
@pytest.mark.parametrize("view", [[], *VIEWS], ids=lambda view: "".join(view) or "prediction")
def test_every_view_fits_the_screen(configuration: list[str], view: list[str]):
    """Eighty columns, nothing cut in its middle, nothing on stderr."""
    ended = sizeup("predict", *configuration, *view)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if ".." in line]


@EACH
def test_json_has_what_the_text_has(configuration: list[str]):
    """The parts, the terms, the constants; and the parts add up there too."""
    ended = sizeup("predict", *configuration, "--explain", "--concurrency", "16", "--json")
    found = json.loads(ended.out)["explanation"]
    for name in ("decode", "prefill"):
        parts = found[name]["parts"]
        assert sum(part["seconds"] for part in parts) == pytest.approx(found[name]["seconds"])
        assert 0 < found["roofline_share"][name] < 1
    assert sum(term["seconds"] for term in found["tpot"]) == pytest.approx(found["point"]["tpot_mean_s"])
    assert sum(term["seconds"] for term in found["ttft"]) == pytest.approx(found["point"]["ttft_mean_s"])
    assert found["constants_from"]["as_of"]
    assert found["constants"]


def test_one_stream_is_the_default_load():
    """Nothing is said of a load: one request at a time."""
    told = json.loads(sizeup(*ON_H100, "--json").out)["prediction"]
    asked = json.loads(sizeup(*ON_H100, "--concurrency", "1", "--json").out)["prediction"]
    assert told == asked
    assert told["concurrency"] == 1


def test_both_definitions_of_time_per_token_are_told():
    """(E2E - TTFT) / (O - 1), and E2E / O with the first token's time in it."""
    found = json.loads(sizeup(*ON_H100, "--concurrency", "8", "--json").out)["prediction"]
    e2e_s = found["ttft_mean_s"] + 199 * found["tpot_mean_s"]
    assert found["e2e_mean_s"] == pytest.approx(e2e_s)
    assert found["e2e_per_output_token_s"] == pytest.approx(e2e_s / 200)
    text = sizeup(*ON_H100, "--concurrency", "8").out
    assert "TPOT is (end to end - TTFT) / (tokens out - 1)" in text
    assert "end to end / output token" in text


def test_loads_are_told_apart():
    """All at once fills the memory; a static batch answers sooner than a server; a rate is carried."""
    offline = json.loads(sizeup(*ON_H100, "--offline", "--json").out)["prediction"]
    batch = json.loads(sizeup(*ON_H100, "--static-batch", "16", "--json").out)["prediction"]
    loop = json.loads(sizeup(*ON_H100, "--concurrency", "16", "--json").out)["prediction"]
    rate = json.loads(sizeup(*ON_H100, "--requests-per-s", "4", "--json").out)["prediction"]
    assert offline["concurrency"] > 100
    assert offline["output_tokens_per_s"]["value"] > loop["output_tokens_per_s"]["value"]
    assert batch["concurrency"] == 16
    assert batch["tpot_mean_s"] < loop["tpot_mean_s"]
    assert rate["requests_per_s"] == pytest.approx(4, rel=1e-3)


def test_the_highest_rate_within_limits_keeps_them():
    """And the same rate, predicted by itself, keeps them as well."""
    limits = ["--ttft-p95-s", "0.5", "--tpot-p95-s", "0.03"]
    best = json.loads(sizeup(*ON_H100, *limits, "--json").out)["prediction"]
    assert best["ttft_p95_s"]["value"] <= 0.5
    assert best["tpot_p95_s"]["value"] <= 0.03
    assert best["latencies"]["tpot"]["p95_s"] == pytest.approx(best["tpot_p95_s"]["value"], rel=0.01)
    again = json.loads(sizeup(*ON_H100, "--requests-per-s", str(best["requests_per_s"]), "--json").out)["prediction"]
    assert again["tpot_p95_s"]["value"] == pytest.approx(best["tpot_p95_s"]["value"], rel=0.01)


def test_random_arrivals_come_with_all_percentiles():
    """50th to 99th of TTFT, TPOT and end to end, in order, and the longest gaps between tokens."""
    load = ["--requests-per-s", "8", "--input-p95", "3000", "--output-p95", "600"]
    found = json.loads(sizeup(*ON_H100, *load, "--json").out)["prediction"]["latencies"]
    for name in ("ttft", "tpot", "e2e"):
        values = [found[name][f"p{share}_s"] for share in (50, 90, 95, 99)]
        assert values == sorted(values)
    assert found["gap_p99_s"] > found["tpot"]["p50_s"]
    text = sizeup(*ON_H100, *load).out
    assert "percentiles over requests" in text
    assert max(map(len, text.splitlines())) <= 80


def test_random_arrivals_are_explained_too():
    """What a request waits for adds up to its mean; the highest rate within limits is explained at that rate."""
    load = ["--requests-per-s", "8", "--input-p95", "3000", "--output-p95", "600"]
    found = json.loads(sizeup(*ON_H100, *load, "--explain", "--json").out)["explanation"]
    assert sum(term["seconds"] for term in found["ttft"]) == pytest.approx(found["point"]["ttft_mean_s"])
    assert 0 < found["queue_load"] < 1
    best = json.loads(sizeup(*ON_H100, "--tpot-p95-s", "0.03", "--json").out)["prediction"]["requests_per_s"]
    within = json.loads(sizeup(*ON_H100, "--tpot-p95-s", "0.03", "--explain", "--json").out)["explanation"]
    assert within["point"]["requests_per_s"] == pytest.approx(best, rel=1e-3)
    refused = sizeup(*ON_H100, "--requests-per-s", "900", "--explain")
    assert refused.status == 1
    assert "overloaded: it carries at most" in refused.out


def test_limits_that_no_rate_keeps_are_an_answer():
    """Exit status 1, the first one missed, on stdout."""
    ended = sizeup(*ON_H100, "--ttft-p95-s", "0.001")
    assert ended.status == 1
    assert "no rate keeps the limits: TTFT p95" in ended.out
    assert ended.err == ""


def test_a_smaller_model_says_what_it_was_made_from():
    """And that nothing is known of its quality."""
    ended = sizeup(*ON_H100, "--keep-layers", "16")
    text = " ".join(ended.out.split())
    assert text.startswith("Llama-3.1-8B at 4.54 B bf16")
    assert "it is Llama-3.1-8B with 16 of 32 layers; nothing is known of its quality" in text


FOUR = ["predict", "Llama-3.3-70B", "--machine", "p5.48xlarge", "--tp", "4", "--weights", "fp8"]


def test_pools_are_told_with_what_passes_between_them():
    """3,000 tokens of 327,680 bytes over four accelerators' network; limits tell whether it pays."""
    load = ["--prefill-replicas", "2", "--decode-replicas", "1", "--input-tokens", "3000"]
    ended = sizeup(*FOUR, *load, "--concurrency", "16")
    assert ended.status == 0
    assert "prefill  2 x TP4: 8 accelerators" in ended.out
    assert "a cache of 3,000 tokens is sent in" in ended.out
    within = json.loads(sizeup(*FOUR, *load, "--ttft-p95-s", "1", "--tpot-p95-s", "0.05", "--json").out)
    assert within["pools"]["accelerators"] == 12
    assert within["pools_pay"]["mixed_per_accelerator"] > 0
    assert within["prediction"]["tpot_p95_s"]["value"] <= 0.05


def test_the_network_between_pools_can_be_told():
    """A tenth of the rate, ten times the time."""
    load = [*FOUR, "--prefill-replicas", "1", "--input-tokens", "3000"]
    fast, slow = (sizeup(*load, "--transfer-gb-per-s", rate).out for rate in ("50", "5"))
    assert "is sent in 4.92 ms" in fast  # 3,000 x 327,680 bytes / 4 / 50 GB/s
    assert "is sent in 49.2 ms" in slow


def test_a_prefill_pool_may_be_split_otherwise():
    """Eight ranks by tensors before eight by requests."""
    where = ["predict", "DeepSeek-R1", "--accelerator", "nvidia-h200-141gb", "--dp", "8", "--ep", "8"]
    ended = sizeup(*where, "--prefill-replicas", "1", "--prefill-layout", "TP8,EP8", "--concurrency", "64")
    assert ended.status == 0
    assert "prefill  1 x TP8 EP8: 8 accelerators" in ended.out
    assert "decode   1 x DP8 EP8: 8 accelerators" in ended.out


def test_prefixes_in_tiers_save_prefill():
    """Host memory finds what HBM has no room for; TTFT falls by what is saved less what is loaded."""
    load = [*FOUR, "--input-tokens", "8000", "--concurrency", "4"]
    prefixes = ["--prefixes", "500", "--prefix-tokens", "6000", "--cache-tier", "dram:4000:30"]
    cold = json.loads(sizeup(*load, "--json").out)["prediction"]
    warm = json.loads(sizeup(*load, *prefixes, "--json").out)
    assert warm["tiers"]["tiers"][0]["tier"]["bytes_per_s"] is None  # HBM: nothing is loaded, and JSON has no infinity
    hits = [hit["share"] for hit in warm["tiers"]["tiers"]]
    assert sum(hits) == pytest.approx(1)
    assert warm["tiers"]["prefix_hit"] == pytest.approx(0.75)
    assert warm["prediction"]["ttft_mean_s"] < cold["ttft_mean_s"]
    text = sizeup(*load, *prefixes).out
    assert max(map(len, text.splitlines())) <= 80
    assert "75 % of prompt tokens need no prefill" in " ".join(text.split())


MISTAKES = [
    (["--accelerator", "nvidia-h100-80gb", "--decode-replicas", "2"], "--decode-replicas is of pools"),
    (["--accelerator", "nvidia-h100-80gb", "--prefill-replicas", "2", "--curve"], "--curve is of one replica"),
    (["--accelerator", "nvidia-h100-80gb", "--prefill-replicas", "1", "--prefill-layout", "8"], "'8' is no layout"),
    (
        ["--accelerator", "nvidia-h100-80gb", "--prefill-replicas", "1", "--prefill-layout", "TP3"],
        "--tp 3 does not divide",
    ),
    (
        [
            *("--accelerator", "nvidia-h100-80gb", "--draft-tokens", "3"),
            "--acceptance",
            "0.5",
            "--draft-model",
            "Qwen3-8B",
        ],
        "a draft speaks the model's own tokens",
    ),
    (["--accelerator", "nvidia-h100-80gb", "--prefixes", "9"], "--prefixes and --prefix-tokens go together"),
    (["--accelerator", "nvidia-h100-80gb", "--cache-tier", "dram:1:1"], "--cache-tier keeps prefixes"),
    (
        ["--accelerator", "nvidia-h100-80gb", "--prefixes", "9", "--prefix-tokens", "99", "--cache-tier", "dram:x:1"],
        "'dram:x:1' is no tier",
    ),
    (["--accelerator", "nvidia-h100-80gb", "--prefixes", "9", "--prefix-tokens", "9999"], "a part of 1000 prompt"),
    ([], "no --accelerator"),
    (["--machine", "p5.49xlarge"], "no machine named 'p5.49xlarge' has accelerators"),
    (["--machine", "p5.48xlarge", "--tp", "4", "--pp", "3"], "TP4 PP3 takes 12 accelerators, no multiple of the 8"),
    (["--machine", "p5.48xlarge", "--in-machine", "8"], "leave --accelerator and --in-machine out"),
    (["--accelerator", "nvidia-h100-80gb", "--tp", "4", "--dcp", "2"], "1 of 4 tensor ranks hold the same"),
    (["--accelerator", "nvidia-h100-80gb", "--dp", "2"], "Llama-3.1-8B has none"),
    (["--accelerator", "nvidia-h100-80gb", "--curve", "--offline"], "--curve goes over all loads"),
    (["--accelerator", "nvidia-h100-80gb", "--ttft-p95-s", "1", "--offline"], "asks for the highest rate"),
    (["--accelerator", "nvidia-h100-80gb", "--input-p95", "2000"], "--input-p95 is of random arrivals"),
    (["--accelerator", "nvidia-h100-80gb", "--static-batch", "4", "--prefix-hit", "0.5"], "reads every prompt"),
    (["--accelerator", "nvidia-h100-80gb", "--out", "x.json"], "--out is where --calibrate writes"),
    (["--accelerator", "nvidia-h100-80gb", "--keep-layers", "99"], "it has 32 layers, of which 99 cannot be kept"),
    (["--accelerator", "nvidia-h100-80gb", "--parameters", "6e9", "--keep-layers", "9"], "leave one out"),
    (["--accelerator", "nvidia-h100-80gb", "--draft-tokens", "3"], "--draft-tokens without --acceptance"),
    (["--accelerator", "nvidia-h100-80gb", "--acceptance", "1.5", "--draft-tokens", "0"], "--acceptance is 1.5"),
    (["--accelerator", "nvidia-h100-80gb", "--efficiencies", "absent.json"], "absent.json: cannot be read"),
]


@pytest.mark.parametrize(("options", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_one_clear_error(options: list[str], said: str):
    """Exit status 2, the mend on stderr, nothing predicted, no traceback."""
    ended = sizeup("predict", "Llama-3.1-8B", *options)
    assert ended.status == 2
    assert said in ended.err
    assert "hint:" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


TABLE = """accel,n_accel,model,weight_dtype,kv_dtype,tp,mode,isl,osl,concurrency,metric,value
H100-SXM-80GB,1,Llama-3.1-8B,bf16,bf16,1,agg,1000,200,1,tpot_ms,14
H100-SXM-80GB,1,Llama-3.1-8B,bf16,bf16,1,agg,1000,200,32,tpot_ms,25
H100-SXM-80GB,1,Qwen3-8B,bf16,bf16,1,agg,1000,200,8,tpot_ms,17
"""


def without_priors(constants: Path) -> Path:
    """The same constants in a file that does not tell what they were before."""
    document = json.loads(constants.read_text(encoding="utf-8"))
    del document["priors"]
    document["source"] = "somewhere"
    path = constants.with_name("bare.json")
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_own_measurements_are_fitted_written_and_used(tmp_path: Path):
    """Errors before and after; with the constants written, the same configuration is predicted slower."""
    table, constants = tmp_path / "mine.csv", tmp_path / "mine.json"
    table.write_text(TABLE, encoding="utf-8")
    ended = sizeup("predict", "--calibrate", str(table), "--out", str(constants))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("3 of 3 rows predicted")
    assert max(len(line) for line in ended.out.splitlines() if str(tmp_path) not in line) <= 80
    before, after = (
        json.loads(sizeup(*ON_H100, *options, "--json").out)["prediction"]["tpot_mean_s"]
        for options in ([], ["--efficiencies", str(constants)])
    )
    assert before < after < 0.014
    explained = sizeup(*ON_H100, "--explain", "--efficiencies", str(constants)).out
    assert "fitted to 3 rows of mine.csv" in explained
    (each_pass,) = [line.split() for line in explained.splitlines() if line.startswith("  each pass ")]
    assert float(each_pass[2]) > float(each_pass[4])  # slower than its prior, the packaged constant beside it
    assert "prior" not in sizeup(*ON_H100, "--explain", "--efficiencies", str(without_priors(constants))).out


def test_without_out_nothing_is_written(tmp_path: Path):
    """The report says so, and JSON carries the constants."""
    table = tmp_path / "mine.csv"
    table.write_text(TABLE, encoding="utf-8")
    assert "nothing is written: give --out FILE" in sizeup("predict", "--calibrate", str(table)).out
    document = json.loads(sizeup("predict", "--calibrate", str(table), "--json").out)
    assert document["written"] is None
    assert document["constants"]["classes"]
    assert list(tmp_path.iterdir()) == [table]


def test_a_wrong_table_is_told_with_lines_and_columns(tmp_path: Path):
    """All at once, exit status 2, nothing written."""
    table = tmp_path / "mine.csv"
    table.write_text(TABLE.replace("tpot_ms,14", "tpot,14").replace("Qwen3-8B", "Qwen3-9B"), encoding="utf-8")
    ended = sizeup("predict", "--calibrate", str(table), "--out", str(tmp_path / "mine.json"))
    assert ended.status == 2
    assert "2 mistakes in " in ended.err
    assert "line 2, metric: is 'tpot'" in ended.err
    assert "line 4, model: no model 'Qwen3-9B' is known" in ended.err
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize("text", ["", "[]", '{"classes": []}', '{"classes": 3, "engines": []}'])
def test_constants_that_are_none_are_refused(tmp_path: Path, text: str):
    """Only what --calibrate wrote is used."""
    constants = tmp_path / "mine.json"
    constants.write_text(text, encoding="utf-8")
    ended = sizeup(*ON_H100, "--efficiencies", str(constants))
    assert ended.status == 2
    assert "hint: give a file that sizeup predict --calibrate wrote" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("place", "wrong", "told"),
    [
        (("intervals",), {}, "has no interval 'any any'"),
        (("classes", 0, "bandwidth", "bf16"), 7, "is a share"),
        (("classes", 0, "bandwidth", "bf16"), 0, "should be a number above 0"),
        (("classes", 0, "step_us"), float("nan"), "should be a number above 0"),
        (("outside",), [], "constants.outside is no table"),
    ],
)
def test_constants_that_cannot_be_are_refused_by_their_place(
    tmp_path: Path, place: tuple[str | int, ...], wrong: object, told: str
):
    """The packaged constants with one of them wrong: a share of seven, a rate of nothing, no interval."""
    document = json.loads(json.dumps(packaged()))
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    constants = tmp_path / "mine.json"
    constants.write_text(json.dumps(document), encoding="utf-8")
    ended = sizeup(*ON_H100, "--efficiencies", str(constants))
    assert ended.status == 2
    assert told in ended.err


def test_help_tells_the_columns_of_a_table():
    """Each column that the reader knows by name, and each metric."""
    text = sizeup("predict", "--help").out
    for name in ("accel", "n_accel", "model", "weight_dtype", "mode", "isl", "osl", "metric", "value", "concurrency"):
        assert name in text
    for metric in ("output_tps", "ttft_ms", "tpot_ms"):
        assert metric in text
