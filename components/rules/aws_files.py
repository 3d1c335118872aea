"""Rules on shared file systems and image registries of AWS: Lustre, EFS, ECR."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Resource
from components.rules.reading import (
    Check,
    Mistake,
    behind,
    each,
    inside,
    items,
    must_be,
    pointing_at,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, truth, whole

LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
EFS = "aws:efs/fileSystem:FileSystem"
MOUNT_TARGET = "aws:efs/mountTarget:MountTarget"
REGISTRY = "aws:ecr/repository:Repository"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
CLUSTER = "aws:eks/cluster:Cluster"
LUSTRE_PORTS = ((988, 988), (1018, 1023))
EFS_PORTS = ((2049, 2049),)


def _ports(kinds: tuple[tuple[int, int], ...], what: str) -> Check:
    """A check that the security groups of a file system let its ports in, all of them."""

    def test(store: Resource, among: Surroundings) -> Iterator[Mistake]:
        groups = behind(store, "securityGroupIds", among, SECURITY_GROUP) + behind(
            store, "securityGroups", among, SECURITY_GROUP
        )
        ranges = [found for group in groups for found in _let_in(group, among)]
        closed = [_spelled(first, last) for first, last in kinds if not _covered(first, last, ranges)]
        at = "securityGroupIds" if store.type == LUSTRE else "securityGroups"
        if groups and closed:
            yield at, f"{what} needs TCP {', '.join(closed)}"

    return each((LUSTRE,) if kinds == LUSTRE_PORTS else (MOUNT_TARGET,), test)


def _let_in(group: Resource, among: Surroundings) -> Iterator[tuple[int, int]]:
    """Ranges of TCP ports that a group lets in; all of them where a rule is not known."""
    written = [(one, "protocol") for one in items(stated(group, "ingress"))]
    written += [(dict(rule.inputs), "ipProtocol") for rule in pointing_at(group, "securityGroupId", among, INGRESS)]
    if is_unknown(stated(group, "ingress")):
        yield 0, 65535
    for rule, key in written:
        protocol, first, last = inside(rule, key), inside(rule, "fromPort"), inside(rule, "toPort")
        if is_unknown(protocol) or is_unknown(first) or is_unknown(last) or protocol in ("-1", -1, "all"):
            yield 0, 65535
        elif protocol in ("tcp", "6", 6):
            yield whole(first) or 0, whole(last) or 0


def _covered(first: int, last: int, ranges: list[tuple[int, int]]) -> bool:
    return all(any(low <= port <= high for low, high in ranges) for port in range(first, last + 1))


def _spelled(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _efa(lustre: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    kind = stated(lustre, "deploymentType")
    if truth(stated(lustre, "efaEnabled")) and not is_unknown(kind) and kind != "PERSISTENT_2":
        yield "efaEnabled", f"is dropped without a word: the file system is {shown(kind)}, not PERSISTENT_2"


def _capacity(lustre: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    gib = whole(stated(lustre, "storageCapacity"))
    if gib is not None and stated(lustre, "deploymentType") == "PERSISTENT_2" and gib != 1200 and gib % 2400:
        yield "storageCapacity", f"is {gib} GiB; Lustre comes in 1200 and in multiples of 2400"


def _throughput(lustre: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    rate = whole(stated(lustre, "perUnitStorageThroughput"))
    if rate is not None and stated(lustre, "deploymentType") == "PERSISTENT_2" and rate not in (125, 250, 500, 1000):
        yield "perUnitStorageThroughput", f"is {rate} MB/s per TiB; PERSISTENT_2 takes 125, 250, 500 or 1000"


def _groups_of_nodes(target: Resource, among: Surroundings) -> Iterator[Mistake]:
    """EFS takes a group that lets port 2049 in; the cluster's own is not one that says so."""
    own = behind(target, "securityGroups", among, SECURITY_GROUP)
    if behind(target, "securityGroups", among, CLUSTER) and not own:
        yield "securityGroups", "is the cluster's group, not one of the file system's"


RULES: tuple[Rule, ...] = (
    Rule(
        id="fsx-ports",
        severity=Severity.ERROR,
        title="The security group of a Lustre file system lets in 988 and 1018 to 1023",
        why="clients hang at mount, or after the first failover",
        mend="add ingress rules for TCP 988 and 1018-1023 from the nodes' group",
        origin="aws-fsx-csi-driver#32, #35; awsome-distributed-training security_group; ai-on-eks opens 1021-1023 only",
        check=_ports(LUSTRE_PORTS, "Lustre"),
    ),
    Rule(
        id="fsx-efa",
        severity=Severity.ERROR,
        title="EFA on Lustre goes with PERSISTENT_2",
        why="it is dropped without a word, and the file system is as slow as without",
        mend='set deployment_type="PERSISTENT_2"',
        origin="awsome-distributed-ai PR #1124",
        check=each(LUSTRE, _efa),
    ),
    Rule(
        id="fsx-capacity",
        severity=Severity.ERROR,
        title="A PERSISTENT_2 Lustre has 1200 GiB, or a multiple of 2400",
        why="FSx refuses another size",
        mend="round up",
        origin="AWS::FSx::FileSystem StorageCapacity",
        check=each(LUSTRE, _capacity),
    ),
    Rule(
        id="fsx-throughput",
        severity=Severity.ERROR,
        title="A PERSISTENT_2 Lustre has a throughput that is sold",
        why="FSx refuses another",
        mend="take 125, 250, 500 or 1000 MB/s per TiB",
        origin="AWS::FSx::FileSystem LustreConfiguration PerUnitStorageThroughput",
        check=each(LUSTRE, _throughput),
    ),
    Rule(
        id="efs-ports",
        severity=Severity.ERROR,
        title="The security group of an EFS mount target lets in 2049",
        why="clients hang at mount",
        mend="add an ingress rule for TCP 2049 from the nodes' group",
        origin="AWS EFS network access",
        check=_ports(EFS_PORTS, "EFS"),
    ),
    Rule(
        id="efs-own-group",
        severity=Severity.ERROR,
        title="An EFS mount target has a security group of its own",
        why="the cluster's group lets only its members in, and changes with EKS",
        mend="make a group for the file system",
        origin="langfuse-terraform-aws#42",
        check=each(MOUNT_TARGET, _groups_of_nodes),
    ),
    Rule(
        id="efs-encrypted",
        severity=Severity.ERROR,
        title="EFS file systems are encrypted",
        why="weights and caches lie in clear",
        mend="set encrypted=True; it cannot be changed later",
        origin="checkov CKV_AWS_42",
        check=must_be(EFS, "encrypted", True),
    ),
    Rule(
        id="ecr-immutable",
        severity=Severity.WARNING,
        title="A tag of an image registry means one image for ever",
        why="a new push changes what the next replica runs",
        mend='set image_tag_mutability="IMMUTABLE"',
        origin="checkov CKV_AWS_51",
        check=must_be(REGISTRY, "imageTagMutability", "IMMUTABLE"),
    ),
    Rule(
        id="ecr-scanned",
        severity=Severity.WARNING,
        title="Images are scanned when they are pushed",
        why="nobody learns of a hole in an image",
        mend="set image_scanning_configuration scan_on_push=True",
        origin="checkov CKV_AWS_163",
        check=must_be(REGISTRY, "imageScanningConfiguration.scanOnPush", True),
    ),
)
