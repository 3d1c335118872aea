"""Where parameters sit, what formats cost, and which formats and layouts a device may serve."""

from dataclasses import replace

import pytest

from sizing.catalog.accelerator import Precision
from sizing.catalog.formats import BYTES_PER_ELEMENT
from sizing.catalog.model import MixtureOfExperts
from sizing.performance import Layout, legal_layouts, legal_precisions
from sizing.performance.configuration.legal import cache_copies
from sizing.performance.configuration.parameters import count_parameters
from sizing.performance.configuration.precision import arithmetic
from tests.examples import A100, DEEPSEEK_R1, H100, L40S, LLAMA_8B, LLAMA_70B, TPU_V6E


def test_the_parts_of_a_dense_model_are_its_matrices():
    """80 layers of attention 8,192 x 128 x 144 and feed-forward 3 x 8,192 x 28,672, 161 norms, two tables."""
    counts = count_parameters(LLAMA_70B)
    assert counts.attention == 80 * 8192 * 128 * 144
    assert counts.dense == 80 * 3 * 8192 * 28672 + 161 * 8192
    assert counts.embedding == 2 * 128256 * 8192
    assert counts.total == 70_553_706_496


def test_an_ungated_feed_forward_has_two_matrices():
    """What the total has beyond the named matrices counts as dense, so a smaller total shows the formula."""
    plain = replace(LLAMA_8B, gated_ffn=False, parameters=0)
    assert count_parameters(plain).dense == 32 * 2 * 4096 * 14336


def test_the_published_total_stands_where_formulas_exceed_it():
    """A hybrid of which half of the layers have no feed-forward: as many parameters fewer than the formula says."""
    half = replace(LLAMA_8B, parameters=LLAMA_8B.parameters - 16 * 3 * 4096 * 14336)
    assert count_parameters(half).total == half.parameters
    assert count_parameters(half).dense == 16 * 3 * 4096 * 14336 + 65 * 4096


def test_the_parts_of_a_latent_sparse_model_add_up_to_its_total():
    """58 sparse layers x 256 experts x 3 x 7,168 x 2,048 are 653.9 of the 671.0 billion."""
    counts = count_parameters(DEEPSEEK_R1)
    assert counts.routed == 58 * 256 * 3 * 7168 * 2048
    assert counts.latent == 61 * 7168 * (1536 + 512 + 64)
    assert counts.total == DEEPSEEK_R1.parameters


def test_tied_embeddings_are_held_once_and_multiplied_once():
    tied = replace(LLAMA_8B, tied_embeddings=True, parameters=LLAMA_8B.parameters - 128256 * 4096)
    counts = count_parameters(tied)
    assert counts.embedding == counts.head == 128256 * 4096
    assert counts.total == tied.parameters


def test_a_linear_layer_counts_among_the_dense_parameters():
    """The mixer of linear layers has no formula here: its parameters are what the total leaves."""
    hybrid = replace(LLAMA_8B, full_attention_layers=8, linear_layers=24)
    spared = 24 * 4096 * 128 * (2 * 32 + 2 * 8)
    assert count_parameters(hybrid).dense == count_parameters(LLAMA_8B).dense + spared


@pytest.mark.parametrize(
    ("precision", "bits"),
    [(Precision.BF16, 16), (Precision.INT4, 4.15625), (Precision.MXFP4, 4.25), (Precision.NVFP4, 4.5)],
)
def test_stored_formats_include_their_scales(precision, bits):
    """int4: 4 + (16 + 4) / 128 bits; mxfp4: 4 + 8 / 32; nvfp4: 4 + 8 / 16."""
    assert BYTES_PER_ELEMENT[precision] * 8 == bits


def test_a100_serves_fp8_without_fp8_arithmetic():
    """Weights are unpacked to bf16 (vLLM's Marlin kernels, from compute capability 8.0)."""
    assert Precision.FP8 in legal_precisions(LLAMA_70B, A100)
    assert arithmetic(A100, Precision.FP8) is Precision.BF16
    assert arithmetic(H100, Precision.FP8) is Precision.FP8


def test_nvfp4_needs_blackwell():
    """No source tells of NVFP4 on Hopper, so it is not offered there."""
    blackwell = replace(H100, compute_capability="10.0", fp4_flop_per_s=9e15)
    assert Precision.NVFP4 not in legal_precisions(LLAMA_70B, H100)
    assert Precision.NVFP4 in legal_precisions(LLAMA_70B, blackwell)


def test_volta_serves_unquantised_weights_only():
    """Every quantised kernel needs compute capability 7.5 (Turing) at least; MXFP4 needs 8.0."""
    volta, turing = (replace(A100, compute_capability=capability) for capability in ("7.0", "7.5"))
    assert legal_precisions(LLAMA_70B, volta) == (Precision.BF16,)
    assert Precision.FP8 in legal_precisions(LLAMA_70B, turing)
    assert legal_precisions(replace(LLAMA_70B, native_precision=Precision.MXFP4), turing) == ()


def test_a_quantised_checkpoint_is_served_as_it_is():
    """DeepSeek-R1 is published in fp8: serving it in bf16 would double its memory for nothing."""
    assert legal_precisions(DEEPSEEK_R1, H100) == (Precision.FP8,)
    assert legal_precisions(replace(LLAMA_70B, native_precision=Precision.MXFP4), H100) == (Precision.MXFP4,)


def test_tpus_serve_the_formats_their_units_have():
    assert legal_precisions(LLAMA_70B, TPU_V6E) == (Precision.BF16, Precision.FP8, Precision.INT8)


def test_a_device_without_a_known_peak_serves_nothing():
    assert legal_precisions(LLAMA_70B, replace(H100, bf16_flop_per_s=None)) == ()


def layouts(model, device, *, machine=8, weights=Precision.BF16):
    return legal_layouts(model, device, accelerators_in_machine=machine, weights=weights)


def test_linked_devices_split_by_tensor():
    assert layouts(LLAMA_70B, H100) == (Layout(), Layout(tp=2), Layout(tp=4), Layout(tp=8))


def test_no_layout_is_larger_than_the_machine():
    assert layouts(LLAMA_70B, H100, machine=2) == (Layout(), Layout(tp=2))


def test_cards_on_the_host_bus_widen_by_stages_beyond_two():
    """Never TP4 on L40S: an all-reduce over four cards reaches 12 % of the bus."""
    found = layouts(LLAMA_70B, L40S)
    assert max(layout.tp for layout in found) == 2
    assert Layout(tp=2, pp=4) in found
    assert all(layout.accelerators <= 8 for layout in found)


def test_a_tpu_host_is_taken_whole():
    """One process owns all of its chips: four on a host of four, one on a host of one."""
    assert layouts(LLAMA_8B, TPU_V6E, machine=4) == (Layout(tp=4),)
    assert layouts(LLAMA_8B, TPU_V6E, machine=1) == (Layout(),)


def test_degrees_divide_heads_and_match_kv_heads():
    """28 heads and 4 KV heads: 1, 2 and 4 ranks; 8 do not divide 28."""
    seven = replace(LLAMA_8B, heads=28, kv_heads=4)
    assert [layout.tp for layout in layouts(seven, H100)] == [1, 2, 4]


def test_fp8_blocks_stay_whole():
    """A block-scaled fp8 expert of width 2,048 splits into at most 16 blocks of 128; 192-wide ones not at all."""
    narrow = replace(
        DEEPSEEK_R1,
        moe=MixtureOfExperts(
            experts=256,
            experts_per_token=8,
            intermediate=192,
            shared_experts=1,
            shared_intermediate=192,
            dense_layers=3,
        ),
    )
    assert Layout(tp=2) in layouts(DEEPSEEK_R1, H100, weights=Precision.FP8)
    assert Layout(tp=2) not in layouts(narrow, H100, weights=Precision.FP8)


def test_sparse_models_also_spread_experts():
    found = layouts(DEEPSEEK_R1, H100, weights=Precision.FP8)
    assert Layout(tp=8, ep=8) in found
    assert Layout(dp=8, ep=8) in found
    assert Layout(dp=8, ep=8).accelerators == 8


def over(model, device, *, machines, machine=8, weights=Precision.FP8, **options):
    options |= {"accelerators_in_machine": machine, "machines": machines, "weights": weights}
    return legal_layouts(model, device, **options)


def test_a_replica_over_machines_has_a_stage_on_each():
    """Two machines of eight H100: nothing joins sixteen, so TP8 PP2; one machine as ever."""
    found = over(LLAMA_70B, H100, machines=2)
    assert Layout(tp=8, pp=2) in found
    assert max(layout.tp for layout in found) == 8
    assert over(LLAMA_70B, H100, machines=1) == layouts(LLAMA_70B, H100, weights=Precision.FP8)


def test_experts_may_be_spread_over_machines():
    found = over(DEEPSEEK_R1, H100, machines=4)
    assert {Layout(dp=32, ep=32), Layout(tp=8, dp=4, ep=32)} <= set(found)
    assert all(layout.accelerators <= 32 for layout in found)


def test_tensor_ranks_go_as_far_as_the_scale_up_link():
    """Machines of four in a domain of 72: TP8 spans two of them; so does a TPU slice of two hosts of four."""
    domain = replace(H100, link="NVLink5 NVL72", link_domain=72)
    assert Layout(tp=8) in over(LLAMA_70B, domain, machines=2, machine=4)
    assert Layout(tp=8) in over(LLAMA_8B, TPU_V6E, machines=2, machine=4, weights=Precision.BF16)


def test_bridged_pairs_take_stages_beyond_the_pair():
    """A link that joins two of a machine of eight: TP2 at most, and pipeline stages of pairs."""
    found = layouts(LLAMA_70B, replace(H100, link="NVLink bridge (pairs)", link_domain=2))
    assert max(layout.tp for layout in found) == 2
    assert Layout(tp=2, pp=4) in found


def test_context_ranks_come_only_where_they_are_asked_for():
    assert all(layout.cp == 1 for layout in layouts(LLAMA_70B, H100))
    found = over(LLAMA_70B, H100, machines=1, widest_cp=4)
    assert {Layout(tp=2, cp=4), Layout(tp=4, cp=2)} <= set(found)
    assert all(layout.accelerators <= 8 for layout in found)


def test_copies_of_a_cache_may_be_shared():
    """TP8 of a latent cache holds eight copies; of 8 KV heads one, at TP16 two."""
    assert cache_copies(DEEPSEEK_R1, 8) == 8
    assert [cache_copies(LLAMA_70B, tp) for tp in (4, 8, 16)] == [1, 1, 2]
    found = over(DEEPSEEK_R1, H100, machines=1, share_copies=True)
    assert {Layout(tp=8), Layout(tp=8, dcp=8), Layout(tp=8, ep=8, dcp=8)} <= set(found)
    assert Layout(tp=8, dcp=8).accelerators == 8
    assert str(Layout(tp=8, dcp=8)) == "TP8 DCP8"
