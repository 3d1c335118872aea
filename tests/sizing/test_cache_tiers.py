"""Tiers of cached prefixes: hits by size and popularity, loading against reading anew."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import (
    CacheTier,
    Layout,
    closed_loop,
    hbm_tier,
    host_tier,
    memory_budget,
    replica_on,
    tiered_cache,
)
from sizing.performance.passes.efficiency import efficiency
from sizing.performance.passes.forward import costs_of, prefill_latency_s
from sizing.performance.serving.cache_tiers import prefix_bytes, share_of_popular
from tests.examples import H100, LLAMA_70B, TPU_V6E

FOUR = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8)
TOKEN = 327_680  # bytes that all four hold of a token
GB = 10**9
NOWHERE = CacheTier(name="HBM", capacity_bytes=0, bytes_per_s=float("inf"))


def cached(*tiers, prefixes=100, prefix=4000, prompt=5000, **options):
    return tiered_cache(FOUR, tiers, prefix_tokens=prefix, input_tokens=prompt, prefixes=prefixes, **options)


def read_s(new, old=0.0):
    return prefill_latency_s(costs_of(FOUR, efficiency(H100, FOUR.engine)), new_tokens=new, cached_tokens=old)


def test_a_prefix_takes_its_tokens_of_each_accelerator():
    """4,000 tokens x 327,680 / 4 bytes; a hundred of them are a working set of 131 GB."""
    assert prefix_bytes(FOUR, 4000) == 4000 * TOKEN / 4
    assert cached(NOWHERE).working_set_bytes == 100 * 4000 * TOKEN


def test_alike_prefixes_are_found_as_far_as_they_fit():
    """HBM for a tenth, host memory for half of them: a tenth and four tenths of requests."""
    working_set = 100 * 4000 * TOKEN
    hbm = CacheTier(name="HBM", capacity_bytes=working_set / 10, bytes_per_s=float("inf"))
    host = CacheTier(name="host memory", capacity_bytes=working_set / 2, bytes_per_s=40 * GB)
    found = cached(hbm, host)
    assert [hit.share for hit in found.tiers] == pytest.approx([0.1, 0.4])
    assert found.prefix_hit == pytest.approx(0.5 * 4000 / 5000)
    # 4,000 tokens x 81,920 bytes at 40 GB/s: 8.19 ms, for four in ten
    assert found.load_s == pytest.approx(0.4 * 4000 * TOKEN / 4 / (40 * GB))


def test_popular_prefixes_are_found_more_often():
    """The first quarter of prefixes whose popularity falls as rank^-0.5 is asked for half the time: 0.25 ^ 0.5."""
    assert share_of_popular(0.25, 0.5) == 0.5
    assert share_of_popular(0.25, 0.0) == 0.25
    assert share_of_popular(7.0, 0.5) == 1


def test_first_comers_find_nothing():
    """Of requests of which 30 % have been seen before, 30 % hit at most, however large the tier."""
    huge = CacheTier(name="object store", capacity_bytes=1e15, bytes_per_s=10 * GB)
    assert cached(huge, recurring=0.3).prefix_hit == pytest.approx(0.3 * 0.8)


def test_loading_pays_only_where_it_is_quicker_than_reading_anew():
    """Worth it iff bytes / bandwidth < the prefill that it saves: just above and just below that rate."""
    saved = read_s(5000) - read_s(1000, 4000)
    fair = 4000 * TOKEN / 4 / saved
    quick, slow = (CacheTier(name="disk", capacity_bytes=1e15, bytes_per_s=fair * f) for f in (1.01, 0.99))
    assert cached(quick).tiers[0].pays
    assert cached(quick).saved_s > 0
    late = cached(slow)
    assert not late.tiers[0].pays
    assert (late.prefix_hit, late.load_s, late.prefill_s) == (0.0, 0.0, late.cold_prefill_s)


def test_prefill_is_the_mean_of_hits_and_misses():
    half = CacheTier(name="host memory", capacity_bytes=100 * 4000 * TOKEN / 2, bytes_per_s=40 * GB)
    found = cached(half)
    assert found.cold_prefill_s == pytest.approx(read_s(5000))
    assert found.prefill_s == pytest.approx((read_s(5000) + read_s(1000, 4000)) / 2)
    assert found.saved_s == pytest.approx(found.cold_prefill_s - found.prefill_s - found.load_s)


def test_sequences_in_flight_leave_the_rest_of_hbm():
    """Twenty of 4,800 tokens, 300 blocks of 16, take 20 x 4,800 x 81,920 bytes each; too many leave nothing."""
    budget = memory_budget(FOUR)
    left = hbm_tier(FOUR, sequences=20, context_tokens=4800)
    assert left.capacity_bytes == pytest.approx(4 * (budget.kv_bytes - 20 * 4800 * TOKEN / 4))
    assert hbm_tier(FOUR, sequences=1e6, context_tokens=5000).capacity_bytes == 0


def test_host_memory_is_behind_each_accelerators_bus():
    """0.6 of 64 GB/s; a device whose bus no source tells needs a figure."""
    assert host_tier(FOUR, capacity_bytes=1e12).bytes_per_s == pytest.approx(38.4 * GB)
    chip = replica_on(LLAMA_70B, TPU_V6E, layout=Layout(tp=8), weights=Precision.BF16)
    with pytest.raises(ValueError, match="host bus"):
        host_tier(chip, capacity_bytes=1e12)


@pytest.mark.parametrize(
    "figures", [{"prefix": 6000}, {"recurring": 1.5}, {"zipf": 1.0}, {"prefixes": 0}, {"zipf": -0.1}]
)
def test_figures_that_cannot_be_are_refused(figures):
    with pytest.raises(ValueError, match="prefix"):
        cached(NOWHERE, **figures)


def test_a_tier_without_a_rate_is_refused():
    with pytest.raises(ValueError, match="cache tier disk"):
        CacheTier(name="disk", capacity_bytes=1, bytes_per_s=0)


def test_hits_feed_the_operating_point():
    """What the tiers find shortens TTFT, even with the time to load it."""
    host = host_tier(FOUR, capacity_bytes=100 * 4000 * TOKEN)
    found = cached(NOWHERE, host)
    run = partial(closed_loop, FOUR, input_tokens=5000, output_tokens=200, concurrency=8)
    cold, warm = run(), run(prefix_hit=found.prefix_hit)
    assert warm.ttft_mean_s + found.load_s < cold.ttft_mean_s
    assert warm.requests_per_s > cold.requests_per_s


SIZES = st.floats(0, 1e13)


@given(hbm=SIZES, host=SIZES, more=SIZES, zipf=st.floats(0, 0.95), recurring=st.floats(0, 1))
def test_a_larger_tier_never_finds_less(hbm, host, more, zipf, recurring):
    near = CacheTier(name="HBM", capacity_bytes=hbm, bytes_per_s=float("inf"))
    small, large = (
        CacheTier(name="host memory", capacity_bytes=size, bytes_per_s=40 * GB) for size in (host, host + more)
    )
    before, after = (cached(near, tier, zipf=zipf, recurring=recurring) for tier in (small, large))
    assert after.prefix_hit >= before.prefix_hit * (1 - 1e-9)
    assert after.saved_s >= before.saved_s - 1e-12
    assert 0 <= after.prefix_hit <= recurring * 0.8 + 1e-9


@given(rate=st.floats(1e8, 1e11), faster=st.floats(1, 100))
def test_a_faster_tier_never_costs_time(rate, faster):
    slow, quick = (CacheTier(name="disk", capacity_bytes=1e12, bytes_per_s=one) for one in (rate, rate * faster))
    assert cached(quick).saved_s >= cached(slow).saved_s - 1e-12 >= -1e-9
