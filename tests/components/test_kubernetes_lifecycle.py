"""Probe budgets, draining and the autoscaler's target, worked by hand."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from components.kubernetes import lifecycle
from sizing.performance import ColdStart
from sizing.plan import Deployment
from sizing.units import GIB
from tests.examples import CHAT_DEPLOYMENT


def ready_in(seconds: float, *, accelerator: str = CHAT_DEPLOYMENT.accelerator) -> Deployment:
    """A deployment that is predicted to be ready so long after its container starts; its image takes 180 s before."""
    start = ColdStart(image_s=180, bootstrap_s=0, weights_s=seconds, compile_s=0)
    return replace(CHAT_DEPLOYMENT, cold_start=start, accelerator=accelerator)


def test_a_replica_gets_twice_its_predicted_start_time():
    """240 s predicted, 480 s allowed, one probe each 10 s: 48 failures."""
    assert lifecycle.startup_failures(ready_in(240)) == 48


def test_an_odd_budget_is_rounded_up():
    """241.3 s predicted, 482.6 s allowed: 48 probes would end at 480 s, so 49."""
    assert lifecycle.startup_failures(ready_in(241.3)) == 49


def test_a_small_model_still_gets_five_minutes():
    """A start of 30 s is a prediction: 300 s, 30 probes."""
    assert lifecycle.startup_failures(ready_in(30)) == 30


def test_a_tpu_gets_an_hour_since_xla_compiles_first():
    """431 s predicted are 862 s allowed elsewhere; llm-d allows 120 probes of 30 s: 3,600 s, 360 of ours."""
    on_tpu = ready_in(431, accelerator="tpu-v6e")
    assert lifecycle.startup_failures(on_tpu) == 360


def test_a_rollout_may_wait_for_a_node_and_an_image_as_well():
    """Twice 410 s for the node and 180 s for the image, and 480 s to start."""
    assert lifecycle.progress_deadline_s(ready_in(240)) == 1660


def test_weights_from_the_hub_are_fetched_before_they_are_read():
    """141.1 GB at 0.25 GB/s are 564.4 s more: twice 804.4 s, 161 probes."""
    assert lifecycle.startup_failures(ready_in(240), from_hub=True) == 161
    assert lifecycle.progress_deadline_s(ready_in(240), from_hub=True) == 1180 + 1610


def test_draining_takes_four_mean_requests():
    """40 in flight at 3.2 a second: 12.5 s each (Little), 50 s to drain."""
    assert lifecycle.drain_s(replace(CHAT_DEPLOYMENT, concurrency=40, requests_per_s=3.2)) == 50


def test_draining_takes_half_a_minute_at_least():
    """4 in flight at 4 a second: 1 s each; 30 s all the same."""
    assert lifecycle.drain_s(replace(CHAT_DEPLOYMENT, concurrency=4, requests_per_s=4)) == 30


def test_the_autoscaler_aims_below_what_a_replica_sustains():
    """80 % of 40 is 32, and of 41 is 32.8: 32."""
    assert lifecycle.target_running_requests(replace(CHAT_DEPLOYMENT, concurrency=40)) == 32
    assert lifecycle.target_running_requests(replace(CHAT_DEPLOYMENT, concurrency=41)) == 32


def test_the_autoscaler_aims_at_one_request_at_least():
    """A target of none could not be divided by."""
    assert lifecycle.target_running_requests(replace(CHAT_DEPLOYMENT, concurrency=1)) == 1


def test_shared_memory_is_a_part_of_the_pods_memory():
    """A quarter of 40 GiB is 10 GiB; of 400 GiB it would be 100, and 20 do."""
    assert lifecycle.shared_memory_bytes(replace(CHAT_DEPLOYMENT, host_memory_bytes=40 * GIB)) == 10 * GIB
    assert lifecycle.shared_memory_bytes(replace(CHAT_DEPLOYMENT, host_memory_bytes=400 * GIB)) == 20 * GIB


def test_weights_are_streamed_through_a_quarter_of_the_memory():
    """80 GiB over 4 ranks: 5 GiB each; of 32 GiB it would be 2, where the largest tensors need 3."""
    assert lifecycle.streaming_buffer_bytes(replace(CHAT_DEPLOYMENT, host_memory_bytes=80 * GIB)) == 5 * GIB
    assert lifecycle.streaming_buffer_bytes(replace(CHAT_DEPLOYMENT, host_memory_bytes=32 * GIB)) == 3 * GIB


@given(
    concurrency=st.integers(1, 4096),
    requests_per_s=st.floats(0.001, 500),
)
def test_a_pod_is_never_killed_while_it_may_still_drain(concurrency, requests_per_s):
    """The grace period is longer than waiting for proxies and draining together: the drain identity."""
    deployment = replace(CHAT_DEPLOYMENT, concurrency=concurrency, requests_per_s=requests_per_s)
    assert lifecycle.termination_grace_s(deployment) > lifecycle.PRE_STOP_S + lifecycle.drain_s(deployment)


@given(startup_s=st.floats(0, 7200))
def test_the_startup_budget_covers_the_predicted_start(startup_s):
    """Whatever is predicted, the budget is at least twice as long."""
    deployment = ready_in(startup_s)
    assert lifecycle.startup_failures(deployment) * lifecycle.PROBE_PERIOD_S >= 2 * startup_s
