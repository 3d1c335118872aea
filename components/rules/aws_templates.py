"""Rules on launch templates: what EKS refuses, metadata service, disks, addresses, tags."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Resource, Value
from components.rules.eks_nodes import (
    CLUSTER,
    TEMPLATE,
    Nodes,
    every_template,
    names_groups_of_others,
)
from components.rules.reading import (
    Mistake,
    behind,
    each,
    inside,
    is_absent,
    is_off,
    items,
    must_be,
    pointing_at,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, truth, whole

KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
AUTOSCALING_ROLE = "AWSServiceRoleForAutoScaling"
_NOT_IN_A_TEMPLATE = ("iamInstanceProfile", "hibernationOptions", "instanceInitiatedShutdownBehavior")


def _managed_by_eks(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del among
    if not users:
        return
    for key in _NOT_IN_A_TEMPLATE:
        value = stated(template, key)
        if not is_absent(value) and not is_unknown(value):
            yield key, "EKS sets it itself and refuses a template that does"
    for place, one in enumerate(items(stated(template, "networkInterfaces"))):
        subnet = inside(one, "subnetId")
        if not is_absent(subnet) and not is_unknown(one):
            yield f"networkInterfaces[{place}].subnetId", "the subnets are the node group's"


def _groups_twice(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del users, among
    interfaces, groups = stated(template, "networkInterfaces"), stated(template, "vpcSecurityGroupIds")
    if items(interfaces) and not is_absent(groups) and not is_unknown(groups):
        yield "vpcSecurityGroupIds", "EC2 takes security groups on the interfaces or here, not both"


def _cluster_group(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    """A template that names any group gets none from EKS."""
    for key in ("networkInterfaces", "vpcSecurityGroupIds") if users else ():
        listed = _groups_of(stated(template, key))
        known = template.property_dependencies.get(key)
        unread = names_groups_of_others(template, key, among)
        if listed and known and not unread and not behind(template, key, among, CLUSTER):
            yield key, "the cluster's own security group is not among those named, and EKS adds none then"


def _groups_of(value: Value) -> list[Value]:
    nested = [group for one in items(value) for group in items(inside(one, "securityGroups"))]
    return nested or [one for one in items(value) if not isinstance(one, dict)]


def _encrypted(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del among
    disks = stated(template, "blockDeviceMappings")
    if users and is_absent(disks):
        yield "blockDeviceMappings", "names no disk, so the image's own is used, which need not be encrypted"
    for place, disk in enumerate(items(disks)):
        if isinstance(inside(disk, "ebs"), dict) and is_off(inside(disk, "ebs", "encrypted")):
            yield f"blockDeviceMappings[{place}].ebs.encrypted", f"is {shown(inside(disk, 'ebs', 'encrypted'))}"


def _volume_key(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    """A key of one's own has to let the role that starts the machines use it."""
    uses_key = any(
        not is_absent(inside(one, "ebs", "kmsKeyId")) for one in items(stated(template, "blockDeviceMappings"))
    )
    for key in behind(template, "blockDeviceMappings", among, KEY) if users and uses_key else ():
        apart = [stated(one, "policy") for one in pointing_at(key, "keyId", among, KEY_POLICY)]
        policies = [stated(key, "policy"), *apart]
        if not any(is_unknown(policy) or AUTOSCALING_ROLE in str(policy) for policy in policies):
            yield "blockDeviceMappings", f"{key.name} does not let {AUTOSCALING_ROLE} use it"


def _public_address(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del users, among
    for place, one in enumerate(items(stated(template, "networkInterfaces"))):
        if truth(inside(one, "associatePublicIpAddress")):
            yield f"networkInterfaces[{place}].associatePublicIpAddress", "the machine is reached from the internet"


def _tagged(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del among
    written = stated(template, "tagSpecifications")
    kinds = [inside(one, "resourceType") for one in items(written)]
    unknown = is_unknown(written) or any(map(is_unknown, kinds))
    missing = [kind for kind in ("instance", "volume") if kind not in kinds]
    if users and missing and not unknown:
        yield "tagSpecifications", f"nothing tags what is started: {' and '.join(missing)}"


def _hop_limit(template: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    hops = stated(template, "metadataOptions", "httpPutResponseHopLimit")
    if not is_unknown(hops) and whole(hops) != 1:
        yield "metadataOptions.httpPutResponseHopLimit", f"is {shown(hops)}: pods reach the node's role"


RULES: tuple[Rule, ...] = (
    Rule(
        id="launch-template-managed-by-eks",
        severity=Severity.ERROR,
        title="A launch template of a node group leaves out what EKS sets itself",
        why="EKS refuses the template: subnet, instance profile, hibernation and shutdown behaviour are its own",
        mend="remove the input",
        origin="terraform-aws-eks 21.19.0 comments; AWS EKS launch template support",
        check=every_template(_managed_by_eks),
    ),
    Rule(
        id="launch-template-security-groups",
        severity=Severity.ERROR,
        title="Security groups are named on the interfaces or on the template, not on both",
        why="EC2 refuses the template",
        mend="keep those on the interfaces",
        origin="awsome-distributed-ai eks-add-gpu-nodegroup.yaml (2026-02)",
        check=every_template(_groups_twice),
    ),
    Rule(
        id="node-cluster-security-group",
        severity=Severity.ERROR,
        title="A template that names security groups names the cluster's own too",
        why="EKS attaches none then, and nodes cannot reach the control plane",
        mend="add cluster.vpc_config.cluster_security_group_id",
        origin="awsome-distributed-ai eks-add-gpu-nodegroup.yaml (2026-02)",
        check=every_template(_cluster_group),
    ),
    Rule(
        id="imds-v2",
        severity=Severity.ERROR,
        title="The metadata service of machines answers signed requests only",
        why="whoever makes a pod fetch an address gets the node's credentials",
        mend='set http_tokens="required"',
        origin="checkov CKV_AWS_79",
        check=must_be(TEMPLATE, "metadataOptions.httpTokens", "required"),
    ),
    Rule(
        id="imds-hop-limit",
        severity=Severity.WARNING,
        title="The metadata service is reached from the node only, not from its pods",
        why="pods get the node's role instead of their own",
        mend="set http_put_response_hop_limit=1, and give pods a pod identity",
        origin="terraform-aws-eks 21.19.0 default",
        check=each(TEMPLATE, _hop_limit),
    ),
    Rule(
        id="volume-encrypted",
        severity=Severity.ERROR,
        title="Disks of machines are encrypted",
        why="weights and prompts lie in clear on a disk that others get later",
        mend='set encrypted="true" in the block device mapping',
        origin="pulumi/compliance-policies aws ec2 LaunchTemplate.disallowUnencryptedBlockDevice",
        check=every_template(_encrypted),
    ),
    Rule(
        id="volume-key-usable",
        severity=Severity.ERROR,
        title="A key of one's own for disks lets the autoscaling role use it",
        why="machines are ended as they start, and the group reports nothing but failed launches",
        mend=f"name {AUTOSCALING_ROLE} in the key's policy, or leave kms_key_id out",
        origin="AWS EC2 Auto Scaling: required key policy",
        check=every_template(_volume_key),
    ),
    Rule(
        id="node-public-address",
        severity=Severity.ERROR,
        title="Machines have no public address",
        why="they can be reached from the internet",
        mend='set associate_public_ip_address="false"',
        origin="pulumi/compliance-policies aws ec2 LaunchTemplate.disallowPublicIp",
        check=every_template(_public_address),
    ),
    Rule(
        id="launched-resources-tagged",
        severity=Severity.WARNING,
        title="A template tags the machines and disks that start from it",
        why="a provider's default tags do not reach them, so their cost belongs to nobody",
        mend="give tag_specifications for instance and volume",
        origin="AWS EC2 launch templates; provider default tags",
        check=every_template(_tagged),
    ),
)
