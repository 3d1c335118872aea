"""The pod of a replica: identity, memory, probes and hardening."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from components.kubernetes import FromBucket, FromHub, Scheduling, Served, Toleration
from components.kubernetes.replica import disk_bytes, pod_template
from sizing.units import GIB
from tests.examples import CHAT_DEPLOYMENT

SERVED = Served(
    deployment=CHAT_DEPLOYMENT,
    scheduling=Scheduling(
        machines=("p5-48xlarge",),
        device="nvidia.com/gpu",
        devices=4,
        tolerations=(Toleration(key="nvidia.com/gpu", effect="NoSchedule"),),
    ),
    image="vllm/vllm-openai:v0.27.1",
    engine_version="0.27.1",
)
BUCKET = FromBucket(uri="s3://models")


def pod_of(served=SERVED, weights=BUCKET, *, has_api_key=False) -> Any:
    """The pod; any of its properties might by its type also be an output, so they are read without a type."""
    return pod_template(served, weights, has_api_key=has_api_key).spec


def container_of(served=SERVED, weights=BUCKET, *, has_api_key=False) -> Any:
    (container,) = pod_of(served, weights, has_api_key=has_api_key).containers
    return container


def loader_of(container) -> Any:
    return json.loads(container.args[container.args.index("--model-loader-extra-config") + 1])


def environment_of(container) -> dict[str, Any]:
    return {one.name: one.value for one in container.env}


def test_accelerators_and_memory_are_asked_for_exactly_as_planned():
    """80,000,000,000 bytes are 76,293.9 MiB: 76,294 asked, and no more allowed; 16 processors asked, unlimited."""
    resources = container_of().resources
    assert resources.requests["nvidia.com/gpu"] == resources.limits["nvidia.com/gpu"] == "4"
    assert resources.requests["memory"] == resources.limits["memory"] == "76294Mi"
    assert resources.requests["cpu"] == "16000m"
    assert "cpu" not in resources.limits


def test_the_startup_probe_has_the_budget_that_the_plan_gives():
    """240 s predicted: 48 probes of 10 s."""
    probe = container_of().startup_probe
    assert (probe.period_seconds, probe.failure_threshold) == (10, 48)


def test_a_replica_is_ready_when_it_lists_its_model():
    """The models endpoint answers once the model is loaded; liveness asks only whether the engine runs."""
    container = container_of()
    assert container.readiness_probe.http_get.path == "/v1/models"
    assert container.liveness_probe.http_get.path == "/health"


def test_a_key_protects_the_models_endpoint_from_the_probe_too():
    """With a key, /v1/models answers 401 to a probe, so the probe asks /health."""
    container = container_of(has_api_key=True)
    assert container.readiness_probe.http_get.path == "/health"
    (key,) = [one for one in container.env if one.name == "VLLM_API_KEY"]
    assert key.value_from.secret_key_ref.name == "model-server"


def test_stopping_takes_longer_than_waiting_and_draining():
    """15 s for proxies, 50 s for requests in flight (4 x 40 / 3.2), 15 s to end: 80 s."""
    spec = pod_of()
    assert spec.termination_grace_period_seconds == 80
    (container,) = spec.containers
    assert container.lifecycle.pre_stop.sleep.seconds == 15
    assert container.args[container.args.index("--shutdown-timeout") + 1] == "50"


def test_the_pod_meets_the_restricted_standard():
    """No root, no privilege, no capability, read-only image, the runtime's system-call filter, no API token."""
    spec = pod_of()
    assert spec.security_context.run_as_non_root is True
    assert spec.security_context.run_as_user == 10001
    assert spec.security_context.seccomp_profile.type == "RuntimeDefault"
    assert spec.automount_service_account_token is False
    security = spec.containers[0].security_context
    assert security.allow_privilege_escalation is False
    assert security.read_only_root_filesystem is True
    assert security.capabilities.drop == ["ALL"]


def test_every_place_the_server_writes_to_is_a_volume_of_the_pod():
    """The image is read-only: caches, temporary files and shared memory are the pod's own."""
    spec = pod_of()
    mounted = {mount.mount_path for mount in spec.containers[0].volume_mounts}
    assert mounted == {"/home/server", "/tmp", "/dev/shm"}  # noqa: S108
    environment = environment_of(spec.containers[0])
    homes = [environment[name] for name in ("HOME", "HF_HOME", "VLLM_CACHE_ROOT", "TRITON_CACHE_DIR")]
    assert all(home.startswith("/home/server") for home in homes)


def test_shared_memory_is_memory():
    """A quarter of 80,000,000,000 bytes: 19,073.5 MiB, rounded up."""
    (shared,) = [one for one in pod_of().volumes if one.name == "shm"]
    assert (shared.empty_dir.medium, shared.empty_dir.size_limit) == ("Memory", "19074Mi")


def test_only_the_planned_machines_take_the_pod():
    """By the label that their nodes carry, and past the taint that guards them."""
    spec = pod_of()
    required = spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution
    (expression,) = required.node_selector_terms[0].match_expressions
    assert (expression.key, expression.values) == ("sizeup/machines", ["p5-48xlarge"])
    (toleration,) = spec.tolerations
    assert (toleration.key, toleration.operator) == ("nvidia.com/gpu", "Exists")


def test_replicas_spread_over_zones_without_waiting_for_one():
    """Soft: a zone without machines must not keep replicas pending."""
    (spread,) = pod_of().topology_spread_constraints
    assert (spread.topology_key, spread.when_unsatisfiable) == ("topology.kubernetes.io/zone", "ScheduleAnyway")


def test_no_service_can_set_the_engines_own_variables():
    """A Service named vllm would make Kubernetes set VLLM_PORT, which vLLM reads."""
    assert pod_of().enable_service_links is False


def test_weights_from_the_hub_are_counted_as_disk():
    """141.1 GB of published files and a fifth more, beside 10 GiB of caches; streamed weights need none."""
    assert disk_bytes(CHAT_DEPLOYMENT, FromHub()) == 10 * GIB + 169_320_000_000
    assert disk_bytes(CHAT_DEPLOYMENT, BUCKET) == 10 * GIB


def test_weights_from_the_hub_may_start_for_longer():
    """240 s predicted from the bucket; 141.1 GB at 0.25 GB/s are 564.4 s before that: twice 240 and twice 804.4 s."""
    probes = [container_of(weights=weights).startup_probe for weights in (BUCKET, FromHub())]
    assert [(one.failure_threshold, one.period_seconds) for one in probes] == [(48, 10), (161, 10)]


def test_a_hub_token_is_a_file_and_never_a_variable():
    """Variables leak into logs and child processes."""
    container = container_of(weights=FromHub(token="hf_secret"))  # noqa: S106  no real one
    environment = environment_of(container)
    assert environment["HF_TOKEN_PATH"] == "/var/run/secrets/hub/hub-token"  # noqa: S105  a path
    assert "hf_secret" not in [str(value) for value in environment.values()]
    assert any(mount.mount_path == "/var/run/secrets/hub" for mount in container.volume_mounts)


def test_a_model_in_the_bucket_lies_under_its_hub_id():
    """One bucket holds many models, each under the name that everyone knows it by."""
    assert environment_of(container_of())["MODEL"] == "s3://models/meta-llama/Llama-3.3-70B-Instruct"


def test_a_hub_model_is_named_by_its_id():
    """Without a bucket the server fetches the model itself."""
    container = container_of(weights=FromHub())
    assert environment_of(container)["MODEL"] == "meta-llama/Llama-3.3-70B-Instruct"
    assert "--load-format" not in container.args


@pytest.mark.parametrize("device", ["google.com/tpu", "aws.amazon.com/neuron"])
def test_distributed_streaming_is_for_nvidia_only(device):
    """Other devices have no such loader."""
    other = replace(SERVED, scheduling=replace(SERVED.scheduling, device=device))
    assert "distributed" not in loader_of(container_of(other))
    assert loader_of(container_of())["distributed"] is True
