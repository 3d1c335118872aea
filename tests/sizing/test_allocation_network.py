"""What a replica needs of its links: worked by hand from bytes a token, beside what the machine has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation.planning.network import network_need, network_text
from sizing.allocation.ways.candidates import Candidate, weigh
from sizing.catalog import Precision, catalog
from sizing.spec.workload import TokenLengths
from tests.markets import CHAT_70B, H100_NODE

CHAT = replace(
    CHAT_70B,
    traffic=replace(
        CHAT_70B.traffic,
        input_tokens=TokenLengths(mean=1000, p95=1000),
        output_tokens=TokenLengths(mean=200, p95=200),
        prefix_hit=0.5,
    ),
)


def candidate(tp: int) -> Candidate:
    weighed = weigh(CHAT, catalog(), [H100_NODE])
    return next(
        one
        for one in weighed.candidates
        if (one.replica.layout.tp, one.replica.layout.accelerators, one.replica.weights) == (tp, tp, Precision.BF16)
    )


def test_accelerators_exchange_two_sums_of_hidden_states_a_layer():
    """
    A ring of 4 moves 2 x 3/4 of each sum: 80 layers x 2 sums x 8,192 x 2 bytes x 1.5 = 3.93 MB a token.

    Half of 1,000 prompt tokens is in the cache, so a request has 500 + 200.
    """
    one = candidate(4)
    need = network_need(one, CHAT)
    a_token = 80 * 2 * 8192 * 2 * 1.5
    assert need.between_accelerators == pytest.approx(one.point.requests_per_s * 700 * a_token, rel=1e-6)
    assert need.between_accelerators < need.link_bytes_per_s == 450e9


def test_requests_and_answers_are_a_trickle_beside_weights():
    """A request is 1,000 x 5 + 200 x 350 bytes = 75 kB."""
    one = candidate(4)
    need = network_need(one, CHAT)
    assert need.requests == pytest.approx(one.point.requests_per_s * 75_000)
    assert (need.weights, need.machine_bytes_per_s) == (3.77e9, 50e9)


def test_needed_and_bought_are_told_side_by_side():
    text = network_text(candidate(4), CHAT)
    assert text.startswith("chat on p5.48xlarge: a replica moves ")
    assert "3.77 GB/s of weights while it starts, of 50 GB/s that it has" in text
    assert text.endswith("of 450 GB/s")
    unknown = replace(candidate(4), machine=replace(H100_NODE, network_bytes_per_s=None))
    assert "of a network that no source tells the rate of" in network_text(unknown, CHAT)
