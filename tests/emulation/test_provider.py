"""The emulated providers as the engine meets them: over gRPC, in the order in which it asks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from components.graph import Secret, Unknown, Value
from infra.emulation.cloud import BROKEN, Cloud, release_guards
from infra.emulation.faults import Fault, Injection, Method
from infra.emulation.protocol import empty_pb2, grpc
from infra.emulation.provider import Provider, name_of, type_of, version_of
from infra.recorder.wire import decoded_struct, encoded_struct

GROUP, CLUSTER, VPC = "aws:eks/nodeGroup:NodeGroup", "aws:eks/cluster:Cluster", "aws:ec2/vpc:Vpc"
POOL: dict[str, Value] = {
    "clusterName": "chat",
    "instanceTypes": ["p5.48xlarge"],
    "nodeGroupName": "p5",
    "nodeRoleArn": "arn:aws:iam::1:role/node",
    "scalingConfig": {"desiredSize": 1, "maxSize": 1, "minSize": 1},
    "subnetIds": ["subnet-1"],
}


def urn(type_: str, name: str = "one") -> str:
    return f"urn:pulumi:test::sizeup::sizeup:index:AwsNodePool${type_}::{name}"


@contextmanager
def served(
    folder: Path, *faults: Injection, package: str = "aws", arguments: Mapping[str, Value] | None = None
) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """A configured provider of *package* with *faults*, over the cloud in *folder*."""
    cloud = Cloud(folder)
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(package, cloud, faults), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(provider_pb2.ConfigureRequest(args=encoded_struct(arguments or {"region": "us-east-1"})))
        yield stub
    server.stop(None).wait()
    cloud.close()


def create(stub: provider_pb2_grpc.ResourceProviderStub, type_: str, inputs: Mapping[str, object], **more: object):
    request = provider_pb2.CreateRequest(urn=urn(type_), properties=encoded_struct(inputs), **more)  # type: ignore[arg-type]
    return stub.Create(request)


def test_a_resource_lives_from_its_creation_to_its_deletion(tmp_path: Path):
    """What is read is what was answered; gone, it has no id."""
    with served(tmp_path) as stub:
        made = create(stub, VPC, {"cidrBlock": "10.0.0.0/16"})
        read = provider_pb2.ReadRequest(id=made.id, urn=urn(VPC))
        assert stub.Read(read).properties == made.properties
        changed = stub.Update(
            provider_pb2.UpdateRequest(
                id=made.id,
                urn=urn(VPC),
                olds=made.properties,
                news=encoded_struct({"cidrBlock": "10.0.0.0/16", "tags": {"a": "b"}}),
            )
        )
        assert decoded_struct(changed.properties)["tags"] == {"a": "b"}
        assert decoded_struct(stub.Read(read).properties)["arn"] == decoded_struct(made.properties)["arn"]
        stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=urn(VPC)))
        assert stub.Read(read).id == ""


def test_a_preview_makes_nothing(tmp_path: Path):
    with served(tmp_path) as stub:
        foreseen = create(stub, VPC, {"cidrBlock": "10.0.0.0/16"}, preview=True)
        assert foreseen.id == ""
        assert decoded_struct(foreseen.properties)["arn"] == Unknown()
    assert Cloud(tmp_path).existing() == ()


def test_the_provider_is_what_the_locked_sdk_wants(tmp_path: Path):
    with served(tmp_path) as stub:
        assert stub.GetPluginInfo(empty_pb2.Empty()).version == version_of("aws")
    assert version_of("aws").count(".") == 2


def test_default_tags_of_the_provider_reach_its_resources(tmp_path: Path):
    """They arrive as JSON in a text, as all structured inputs of a provider."""
    arguments: dict[str, Value] = {"region": "us-east-1", "defaultTags": '{"tags": {"owner": "ml"}}'}
    with served(tmp_path, arguments=arguments) as stub:
        request = provider_pb2.CheckRequest(urn=urn(VPC), news=encoded_struct({"cidrBlock": "10.0.0.0/16"}))
        assert decoded_struct(stub.Check(request).inputs)["tagsAll"] == {"owner": "ml"}


def test_a_replacement_is_told_by_the_path_that_forces_it(tmp_path: Path):
    with served(tmp_path) as stub:
        found = stub.Diff(
            provider_pb2.DiffRequest(
                id="chat:p5",
                urn=urn(GROUP),
                old_inputs=encoded_struct(POOL),
                news=encoded_struct({**POOL, "instanceTypes": ["p5en.48xlarge"], "labels": {"a": "b"}}),
            )
        )
    assert list(found.replaces) == ["instanceTypes[0]"]
    assert list(found.diffs) == ["instanceTypes", "labels"]
    assert found.detailedDiff["labels"].kind == provider_pb2.PropertyDiff.Kind.ADD
    assert found.deleteBeforeReplace  # its name is fixed: the new one cannot be made beside it


def test_a_function_that_nobody_emulates_is_said_to_be_so(tmp_path: Path):
    with served(tmp_path) as stub, pytest.raises(grpc.RpcError) as failed:
        stub.Invoke(provider_pb2.InvokeRequest(tok="aws:index/getRegions:getRegions"))
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_no_capacity_leaves_a_node_group_that_failed(tmp_path: Path):
    """As EKS does: the group is there, with status CREATE_FAILED, and the provider says both."""
    fault = Injection(fault=Fault.NO_CAPACITY, type=GROUP)
    with served(tmp_path, fault) as stub, pytest.raises(grpc.RpcError) as failed:
        create(stub, GROUP, POOL)
    status = status_pb2.Status.FromString(dict(failed.value.trailing_metadata())["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id == "chat:p5"
    assert "InsufficientInstanceCapacity" in detail.reasons[0]
    assert "p5.48xlarge" in detail.reasons[0]
    (there,) = Cloud(tmp_path).existing()
    assert (there.id, there.outputs["status"]) == ("chat:p5", "CREATE_FAILED")


def test_a_group_that_failed_stays_so_when_it_is_updated(tmp_path: Path):
    """Nothing of it changed, so the provider asks EKS for nothing: only a new group gets machines."""
    with served(tmp_path, Injection(fault=Fault.QUOTA_ZERO, type=GROUP)) as stub:
        with pytest.raises(grpc.RpcError):
            create(stub, GROUP, POOL)
        olds = stub.Read(provider_pb2.ReadRequest(id="chat:p5", urn=urn(GROUP))).properties
        after = stub.Update(
            provider_pb2.UpdateRequest(id="chat:p5", urn=urn(GROUP), olds=olds, news=encoded_struct(POOL))
        )
    assert decoded_struct(after.properties)["status"] == "CREATE_FAILED"


def test_a_node_pool_in_error_stays_so_and_nothing_of_it_reaches_the_program(tmp_path: Path):
    """GKE's pool has no output that says it; the mark is the emulation's own, and is never answered."""
    type_ = "gcp:container/nodePool:NodePool"
    pool: dict[str, Value] = {"cluster": "chat", "name": "a3", "location": "us-central1"}
    fault = Injection(fault=Fault.PARTIAL, type=type_)
    with served(tmp_path, fault, package="gcp", arguments={"project": "acme", "region": "us-central1"}) as stub:
        with pytest.raises(grpc.RpcError, match='in the error state "ERROR"'):
            create(stub, type_, pool)
        (there,) = Cloud(tmp_path).existing()
        read = stub.Read(provider_pb2.ReadRequest(id=there.id, urn=urn(type_)))
        assert BROKEN not in decoded_struct(read.properties)
        news = encoded_struct({**pool, "nodeCount": 2})
        stub.Update(provider_pb2.UpdateRequest(id=there.id, urn=urn(type_), olds=read.properties, news=news))
    assert BROKEN in Cloud(tmp_path).existing()[0].outputs


def test_throttling_stops_a_creation_and_leaves_nothing(tmp_path: Path):
    with served(tmp_path, Injection(fault=Fault.THROTTLED, type=VPC)) as stub:
        with pytest.raises(grpc.RpcError, match="exceeded maximum number of attempts, 25"):
            create(stub, VPC, {})
        assert Cloud(tmp_path).existing() == ()
        assert create(stub, VPC, {}).id.startswith("vpc-")


def test_brief_throttling_is_waited_out(tmp_path: Path):
    with served(tmp_path, Injection(fault=Fault.THROTTLED_BRIEFLY, type=VPC)) as stub:
        assert create(stub, VPC, {}).id.startswith("vpc-")
    assert [call.outcome for call in Cloud(tmp_path).calls()] == ["throttled-briefly"]


def test_a_fault_of_a_deletion_keeps_the_resource(tmp_path: Path):
    with served(tmp_path, Injection(fault=Fault.THROTTLED, method=Method.DELETE)) as stub:
        made = create(stub, VPC, {})
        with pytest.raises(grpc.RpcError):
            stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=urn(VPC)))
    assert [item.id for item in Cloud(tmp_path).existing()] == [made.id]


def test_a_second_thing_of_one_name_is_refused(tmp_path: Path):
    with served(tmp_path) as stub:
        create(stub, GROUP, POOL)
        with pytest.raises(grpc.RpcError, match="already exists"):
            create(stub, GROUP, POOL)


def test_deletion_protection_holds_until_its_owner_switches_it_off(tmp_path: Path):
    inputs = {"name": "chat", "roleArn": "arn", "vpcConfig": {"subnetIds": []}, "deletionProtection": True}
    with served(tmp_path) as stub:
        delete = provider_pb2.DeleteRequest(id=create(stub, CLUSTER, inputs).id, urn=urn(CLUSTER))
        with pytest.raises(grpc.RpcError, match="deletion protection"):
            stub.Delete(delete)
        release_guards(tmp_path)
        stub.Delete(delete)
    assert Cloud(tmp_path).existing() == ()


def test_secrets_come_back_as_the_engine_knows_them(tmp_path: Path):
    """The cloud's file has none; a refresh takes them from the state."""
    type_ = "kubernetes:core/v1:Secret"
    inputs: dict[str, Value] = {"metadata": {"name": "key"}, "stringData": Secret({"key": "hunter2"})}
    with served(tmp_path, package="kubernetes") as stub:
        made = create(stub, type_, inputs)
        read = stub.Read(
            provider_pb2.ReadRequest(
                id=made.id, urn=urn(type_), properties=made.properties, inputs=encoded_struct(inputs)
            )
        )
    assert decoded_struct(read.properties)["stringData"] == Secret({"key": "hunter2"})
    assert all(b"hunter2" not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_crash_leaves_in_the_cloud_what_nobody_was_told_of(tmp_path: Path):
    """In a process of its own, as the fault ends it."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from infra.emulation.cloud import Cloud\n"
        "from infra.emulation.faults import Fault, Injection\n"
        "from infra.emulation.protocol import provider_pb2\n"
        "from infra.emulation.provider import Provider\n"
        "provider = Provider('aws', Cloud(Path(sys.argv[1])), (Injection(fault=Fault.CRASH),))\n"
        f"provider.Create(provider_pb2.CreateRequest(urn={urn(VPC)!r}), None)\n"
        "print('told')\n"
    )
    ended = subprocess.run(  # noqa: S603  this very Python
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode not in (0, 1, -signal.SIGTERM)
    assert "told" not in ended.stdout
    assert [item.type for item in Cloud(tmp_path).existing()] == [VPC]


def test_the_type_of_a_urn_is_the_last_of_its_chain_and_its_name_may_hold_colons():
    text = "urn:pulumi:s::p::a:b:C$aws:ec2/vpc:Vpc::net::work"
    assert (type_of(text), name_of(text)) == ("aws:ec2/vpc:Vpc", "net::work")
