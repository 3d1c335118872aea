"""What joins accelerators: how fast a group of them is on each kind of link, and over several links in a row."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing import catalog
from sizing.catalog.accelerator import Precision
from sizing.catalog.machine import Cloud
from sizing.performance import Layout, memory_budget, replica_on
from sizing.performance.configuration.shard import shard_of
from sizing.performance.links.collectives import Level, all_exchanged_s, all_gathered_s, all_reduce_s, all_reduced_s
from sizing.performance.links.interconnect import interconnect_of, link_facts, network_link, network_of, slice_axes
from sizing.performance.links.link import (
    HostBus,
    Link,
    Mesh,
    Switched,
    Torus,
    ports_of_box,
    reached_bytes_per_s,
    start_s,
)
from sizing.performance.passes.communication import (
    communication,
    context_decode,
    context_prefill,
    experts,
    levels_of,
    stages,
    tensor,
)
from sizing.performance.passes.efficiency import PERFECT, efficiency
from sizing.performance.passes.forward import costs_of, decode_step, prefill_s
from tests.examples import DEEPSEEK_R1, H100, LLAMA_8B, LLAMA_70B

FACTS = catalog()


def link(shape, *, rate=100e9, latency_s=0.0, domain=8):
    return Link(name="a link", bytes_per_s=rate, latency_s=latency_s, domain=domain, shape=shape)


def replica(layout, *, model=LLAMA_70B, device=H100, weights=Precision.FP8, **machine):
    return replica_on(model, device, layout=layout, weights=weights, **machine)


def real(one):
    return efficiency(one.accelerator, one.engine)


def test_a_switch_is_as_fast_for_many_as_for_two():
    assert reached_bytes_per_s(link(Switched()), 2, 0.8) == reached_bytes_per_s(link(Switched()), 8, 0.8) == 80e9


def test_cards_share_the_bridge_of_their_host():
    """Three ports of 32 GB/s for all: two cards have 0.6 x 32 = 19.2 each, eight 96 / 8 = 12."""
    bus = link(HostBus(bridge_bytes_per_s=96e9), rate=32e9)
    assert reached_bytes_per_s(bus, 2, 0.6) == pytest.approx(19.2e9)
    assert reached_bytes_per_s(bus, 8, 0.6) == 12e9


def test_a_mesh_has_a_port_for_each_peer():
    """Seven ports of 64 GB/s: two GPUs use one of them, eight all."""
    mesh = link(Mesh(peers=7), rate=448e9)
    assert reached_bytes_per_s(mesh, 2, 1.0) == 64e9
    assert reached_bytes_per_s(mesh, 8, 1.0) == 448e9


@pytest.mark.parametrize(
    ("axes", "wrapped", "chips", "ports"),
    [
        ((2, 2), (False, False), 4, 2),  # one neighbour along each axis
        ((2, 4), (False, False), 8, 2),  # v6e-8: no axis is closed
        ((4, 4), (True, True), 16, 4),  # Trainium: all four links
        ((4, 4), (True, True), 4, 2),  # a closed ring of four, or a square: two either way
        ((4, 4), (True, True), 2, 1),
        ((4, 4), (True, True), 8, 3),  # a ring of four by two
        ((16, 16), (True, True), 256, 4),
        ((12,), (True,), 12, 2),  # Inferentia2
        ((12,), (True,), 6, 1),  # half a ring is a line
    ],
)
def test_ports_of_a_part_of_a_torus(axes, wrapped, chips, ports):
    assert ports_of_box(Torus(axes=axes, wrapped=wrapped, ports=2 * len(axes)), chips) == ports


def test_a_slice_has_the_legal_shape_of_its_size():
    assert slice_axes(("2x2", "2x4", "4x4"), 8, (16, 16)) == (2, 4)
    assert slice_axes((), 16, (4, 4)) == (4, 4)
    assert slice_axes((), 6, (12,)) == (6,)


def test_wraparound_needs_a_whole_axis_or_a_whole_cube():
    """v6e closes at 16 chips; v5p closes all axes of a slice of whole 4 x 4 x 4 cubes, and none of 2 x 2 x 4."""

    def shape(name, chips):
        found = interconnect_of(FACTS.accelerator(name), accelerators=chips, accelerators_in_machine=4).links[0].shape
        assert isinstance(found, Torus)
        return found

    assert shape("tpu-v6e", 16).wrapped == (False, False)
    assert shape("tpu-v6e", 256).wrapped == (True, True)
    assert shape("tpu-v5p", 64).wrapped == (True, True, True)
    assert shape("tpu-v5p", 16).wrapped == (False, False, False)


def test_the_far_corner_of_a_torus_is_half_a_ring_away():
    """1 us a hop: 2 + 2 in a closed 4 x 4, 3 + 3 in an open one; a switch halves the ranks 4 times."""
    closed, opened = (Torus(axes=(4, 4), wrapped=(wrap, wrap), ports=4) for wrap in (True, False))
    assert start_s(link(closed, latency_s=1e-6), 16) == pytest.approx(4e-6)
    assert start_s(link(opened, latency_s=1e-6), 16) == pytest.approx(6e-6)
    assert start_s(link(Switched(), latency_s=1e-6), 16) == pytest.approx(4e-6)


def test_links_of_machines():
    """An NVSwitch ends with its machine, a domain of 72 does not; bridged pairs speak over the host bus beyond."""

    def links(name, in_machine):
        found = interconnect_of(FACTS.accelerator(name), accelerators_in_machine=in_machine).links
        return [(one.name, min(one.domain, 1000)) for one in found]

    assert links("nvidia-h100-80gb", 8) == [("NVLink4/NVSwitch", 8), ("GPUDirect RDMA (RoCE)", 1000)]
    assert links("nvidia-gb200", 4) == [("NVLink5 NVL72", 72), ("GPUDirect RDMA (RoCE)", 1000)]
    assert links("nvidia-h100-nvl", 8) == [
        ("NVLink bridge (pairs)", 2),
        ("host bus", 8),
        ("GPUDirect RDMA (RoCE)", 1000),
    ]
    assert links("nvidia-l40s", 4) == [("host bus", 4), ("network", 1000)]


def test_beyond_a_bridge_the_bus_is_what_software_makes_of_it():
    """Four H100 NVL: pairs at 300 GB/s, then two pairs over the bus at 0.6 x 64 GB/s, which starts in 8 us."""
    bridged = replica_on(LLAMA_70B, FACTS.accelerator("nvidia-h100-nvl"), layout=Layout(tp=4), weights=Precision.FP8)
    pair, bus = levels_of(bridged, PERFECT, ranks=4)
    assert (pair.ranks, pair.bytes_per_s) == (2, 300e9)
    assert bus.ranks == 2
    assert (bus.bytes_per_s, bus.start_s) == pytest.approx((38.4e9, 8e-6))


def test_the_network_of_a_machine_is_shared_by_its_accelerators():
    """p5.48xlarge: 3,200 Gbit/s for eight H100 are 50 GB/s each, of which EFA reaches 0.78."""
    told = network_of(FACTS.machine(Cloud.AWS, "p5.48xlarge"))
    assert told == {"network_bytes_per_s": 50e9, "fabric": "efa"}
    assert network_link(bytes_per_s=50e9, fabric="efa").bytes_per_s == pytest.approx(39e9)
    assert network_of(FACTS.machine(Cloud.AWS, "m7i.2xlarge")) == {}


NEAR = Level(ranks=8, start_s=1e-5, bytes_per_s=400e9)
FAR = Level(ranks=2, start_s=3e-5, bytes_per_s=40e9)


def test_two_machines_sum_over_the_network_what_each_has_summed():
    """8 GB: 2 x 7/8 x 8 / 400 = 35 ms inside, 2 x 1/2 x 1 / 40 = 25 ms of an eighth outside; starts 2 x 10 + 30 us."""
    assert all_reduced_s(8e9, (NEAR, FAR)) == pytest.approx(0.035 + 0.025 + 5e-5)
    assert all_reduced_s(8e9, (NEAR,)) == all_reduce_s(8e9, ranks=8, start_s=1e-5, bytes_per_s=400e9)
    assert all_reduced_s(8e9, ()) == 0


def test_a_gathered_message_crosses_the_network_once():
    """16 GB over 16 ranks: 7/8 x 16 / 400 = 35 ms inside, 1/2 x 2 / 40 = 25 ms outside."""
    assert all_gathered_s(16e9, (NEAR, FAR)) == pytest.approx(0.035 + 0.025 + 4e-5)


def test_of_an_exchange_half_leaves_a_machine_of_two():
    """16 GB: 7/16 x 16 / 400 = 17.5 ms inside, while 8/16 x 16 / 40 = 200 ms go outside."""
    assert all_exchanged_s(16e9, (NEAR, FAR)) == pytest.approx(0.2 + 4e-5)
    assert all_exchanged_s(16e9, (NEAR,)) == pytest.approx(7 / 8 * 16e9 / 400e9 + 1e-5)


@given(rate=st.floats(1e9, 1e12), faster=st.floats(1, 100), message=st.floats(0, 1e10), ranks=st.integers(1, 64))
def test_a_faster_link_never_slows_a_collective(rate, faster, message, ranks):
    slow, fast = ((Level(ranks=ranks, start_s=1e-5, bytes_per_s=one), FAR) for one in (rate, rate * faster))
    for collective in (all_reduced_s, all_gathered_s, all_exchanged_s):
        assert collective(message, fast) <= collective(message, slow) * (1 + 1e-9)


LAYOUTS = st.sampled_from(
    [
        Layout(tp=8),
        Layout(tp=16),
        Layout(tp=4, pp=4),
        Layout(tp=4, cp=4),
        Layout(dp=16, ep=16),
        Layout(tp=2, dp=4, cp=2),
    ]
)


@given(layout=LAYOUTS, faster=st.floats(1, 50), sequences=st.floats(1, 256), which=st.integers(0, 1))
def test_a_faster_link_never_slows_a_replica(layout, faster, sequences, which):
    """The scale-up link or the network, for every mix of degrees."""
    slow = replica(layout, model=DEEPSEEK_R1)
    links = list(slow.link.links)
    links[which] = replace(links[which], bytes_per_s=links[which].bytes_per_s * faster)
    fast = replace(slow, link=replace(slow.link, links=tuple(links)))
    for costs_slow, costs_fast in [(costs_of(slow, real(slow)), costs_of(fast, real(fast)))]:
        step = decode_step(costs_slow, sequences=sequences, context_tokens=1000).total_s
        assert decode_step(costs_fast, sequences=sequences, context_tokens=1000).total_s <= step * (1 + 1e-9)
        read = prefill_s(costs_slow, new_tokens=5000, cached_tokens=0)
        assert prefill_s(costs_fast, new_tokens=5000, cached_tokens=0) <= read * (1 + 1e-9)


def test_tensor_parallelism_sums_hidden_states_twice_a_layer():
    """80 layers x 2 x 2 x 7/8 x 8,192 x 2 bytes over 450 GB/s: 10.2 us a token."""
    eight = replica(Layout(tp=8))
    assert tensor(eight, shard_of(eight), PERFECT).token_s == pytest.approx(160 * 2 * 7 / 8 * 16384 / 450e9)


def test_a_replica_over_two_machines_sums_an_eighth_over_the_network():
    """16 ranks, 8 a machine: inside as two halves of an all-reduce over 8, outside 2 x 1/2 x 2,048 bytes at 45 GB/s."""
    both = replica(Layout(tp=16), network_bytes_per_s=50e9, fabric="GPUDirect RDMA (RoCE)")
    inside, outside = 2 * 7 / 8 * 16384 / 450e9, 16384 / 8 / 45e9
    assert tensor(both, shard_of(both), PERFECT).token_s == pytest.approx(160 * (inside + outside))


def test_data_parallel_attention_without_expert_parallelism_gathers_every_token():
    """Mixtral-like: 4 ranks gather 4 tokens of 7,168 x 2 bytes (3/4 from others) and scatter as much; 58 MoE layers."""
    four = replica(Layout(dp=4), model=DEEPSEEK_R1)
    assert experts(four, shard_of(four), PERFECT).token_s == pytest.approx(58 * 2 * 3 / 4 * 4 * 14336 / 450e9)
    spread = replica(Layout(dp=4, ep=4), model=DEEPSEEK_R1)
    copies = 4 * (1 - 0.75**8)
    assert experts(spread, shard_of(spread), PERFECT).token_s == pytest.approx(58 * 3 / 4 * copies * 7168 * 3 / 450e9)


def test_stages_on_two_machines_hand_over_by_network():
    """Two stages of 8: 16,384 bytes a token at 45 GB/s; inside one machine at 450."""
    outside = replica(Layout(tp=8, pp=2), network_bytes_per_s=50e9, fabric="GPUDirect RDMA (RoCE)")
    inside = replica(Layout(tp=4, pp=2))
    assert stages(outside, PERFECT).token_s == pytest.approx(16384 / 45e9)
    assert stages(inside, PERFECT).token_s == pytest.approx(16384 / 450e9)


def test_context_ranks_share_prompts_and_caches_but_not_weights():
    """CP4 holds a quarter of each context; a prompt takes a quarter of the arithmetic."""
    one, four = (replica(Layout(cp=n), model=LLAMA_8B) for n in (1, 4))
    alone, shared = shard_of(one), shard_of(four)
    assert shared.cache_bytes_per_token_full == alone.cache_bytes_per_token_full / 4
    assert shared.weight_bytes == alone.weight_bytes
    assert shared.prefill_flop_per_pair == alone.prefill_flop_per_pair / 4
    assert costs_of(four, PERFECT).dense.token_s == costs_of(one, PERFECT).dense.token_s / 4
    assert costs_of(four, PERFECT).dense.stream_s == costs_of(one, PERFECT).dense.stream_s


def test_the_ring_of_context_ranks_carries_keys_and_values_in_prefill_and_queries_in_decoding():
    """
    Llama-3.1-8B, CP4 at 450 GB/s: 3/4 of 131,072 bytes of keys and values for each prompt token; for each decoding
    sequence 3/4 of its query and of its sum, 32 heads x 128 x 2 bytes each, in 32 layers: twice as much.
    """
    four = replica(Layout(cp=4), model=LLAMA_8B)
    prompts, decoders = (f(four, shard_of(four), PERFECT).token_s for f in (context_prefill, context_decode))
    assert prompts == pytest.approx(0.75 * 131072 / 450e9)
    assert decoders == pytest.approx(2 * 32 * 0.75 * 8192 / 450e9)
    assert communication(four, shard_of(four), PERFECT).token_s == 0


def test_ranks_that_share_a_copy_of_the_cache_gather_each_others_queries():
    """
    DeepSeek-R1, TP8: eight copies of 70,272 bytes a token, or an eighth of one each. For that every rank gathers the
    queries of 7/8 of the 128 heads, 576 wide, and sends back sums 512 wide, in 61 layers.
    """
    copied, shared = (replica(Layout(tp=8, dcp=n), model=DEEPSEEK_R1) for n in (1, 8))
    assert shard_of(shared).cache_bytes_per_token_full == shard_of(copied).cache_bytes_per_token_full / 8
    moved = context_decode(shared, shard_of(shared), PERFECT).token_s
    assert moved == pytest.approx(61 * 7 / 8 * 128 * (576 + 512) * 2 / 450e9)
    assert context_decode(copied, shard_of(copied), PERFECT).token_s == 0
    assert context_prefill(shared, shard_of(shared), PERFECT).token_s == 0


def test_sharing_copies_holds_more_and_decodes_long_contexts_faster():
    """Eight times the tokens; 32 contexts of 100,000 tokens are read in an eighth of the time each."""
    wide = replace(H100, memory_bytes=2 * H100.memory_bytes)
    copied, shared = (replica(Layout(tp=8, dcp=n), model=DEEPSEEK_R1, device=wide) for n in (1, 8))
    assert memory_budget(shared).kv_tokens == pytest.approx(8 * memory_budget(copied).kv_tokens, rel=1e-3)
    long = [decode_step(costs_of(r, real(r)), sequences=32, context_tokens=100_000).total_s for r in (copied, shared)]
    assert long[1] < 0.8 * long[0]


def test_context_parallelism_speeds_up_long_prompts():
    """100,000 tokens: four ranks read a prompt in about a quarter of the time of one, and decode faster."""
    one, four = (replica(Layout(cp=n), model=LLAMA_8B) for n in (1, 4))
    alone, shared = (prefill_s(costs_of(r, real(r)), new_tokens=100_000, cached_tokens=0) for r in (one, four))
    assert 2.5 < alone / shared < 4
    alone, shared = (
        decode_step(costs_of(r, real(r)), sequences=1, context_tokens=200_000).total_s for r in (one, four)
    )
    assert shared < alone


def test_groups_lie_where_their_ranks_lie():
    """TP4 CP4 on machines of 8: a tensor group is inside, two context neighbours of four are on the other machine."""
    mixed = replica(Layout(tp=4, cp=4))
    assert [level.ranks for level in levels_of(mixed, PERFECT, ranks=4)] == [4]
    assert [level.ranks for level in levels_of(mixed, PERFECT, ranks=4, stride=4)] == [2, 2]
    assert levels_of(mixed, PERFECT, ranks=1) == ()


def test_more_ranks_over_a_slow_link_can_slow():
    """Sixteen H100 on machines with 12.5 GB/s each prefill a 70B model slower than eight on one machine."""
    eight = replica(Layout(tp=8))
    sixteen = replica(Layout(tp=16), network_bytes_per_s=1.5625e9)
    fast, slow = (prefill_s(costs_of(r, real(r)), new_tokens=4000, cached_tokens=0) for r in (eight, sixteen))
    assert slow > fast


def test_every_scale_up_link_of_the_catalog_has_a_shape_of_its_own():
    """None falls to the last row of the facts, which is for links that nobody describes."""
    rows = link_facts()["scale_up"]
    for device in FACTS.accelerators:
        if device.link_bytes_per_s is not None:
            row = next(row for row in rows if device.link.startswith(row["link"]))
            assert row["link"], device.name
            assert row["source"]


def test_every_fabric_of_the_catalog_is_known():
    known = {row["fabric"] for row in link_facts()["networks"]}
    assert {one.fabric for one in FACTS.machines if one.accelerators > 0} <= known


def test_no_network_reaches_more_than_its_line_rate():
    """Nor is any as near as a neighbour on a scale-up link."""
    for row in link_facts()["networks"]:
        link = network_link(50e9, row["fabric"])
        assert 0 < link.bytes_per_s < 50e9
        assert link.latency_s > 0


@given(message=st.floats(1, 1e10), near=st.integers(2, 72), far=st.integers(2, 16), faster=st.floats(1, 50))
def test_several_links_are_no_slower_than_a_ring_over_the_slowest(message, near, far, faster):
    """Beside the starts: the far link carries 1 / g of what it would in one ring of all ranks."""
    levels = (
        Level(ranks=near, start_s=0.0, bytes_per_s=40e9 * faster),
        Level(ranks=far, start_s=0.0, bytes_per_s=40e9),
    )
    ring = all_reduce_s(message, ranks=near * far, start_s=0.0, bytes_per_s=40e9)
    assert all_reduced_s(message, levels) <= ring * (1 + 1e-9)


@given(ranks=st.integers(1, 72), message=st.floats(0, 1e9))
def test_a_switch_of_72_is_one_link(ranks, message):
    """However many of a domain of 72 take part, nothing goes over the network."""
    many = replica_on(
        LLAMA_70B,
        FACTS.accelerator("nvidia-gb200"),
        layout=Layout(dp=ranks),
        weights=Precision.FP8,
        accelerators_in_machine=4,
    )
    levels = levels_of(many, PERFECT, ranks=ranks)
    assert len(levels) == (ranks > 1)
    assert all_reduced_s(message, levels) <= 2 * message / 900e9 + 1e-12
