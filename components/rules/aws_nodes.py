"""Rules on EKS node groups: images, local disks, taints, counts, roles, subnets, repair."""

from __future__ import annotations

from collections.abc import Iterator

from components.aws.ami import arch_of
from components.graph import Graph, Value
from components.rules.eks_nodes import (
    NODE_GROUP,
    Nodes,
    decoded,
    every_nodes,
    subnets_of,
)
from components.rules.reading import (
    Mistake,
    behind,
    inside,
    is_absent,
    is_off,
    items,
    of_type,
    pointing_at,
    shown,
    stated,
    waits_for,
)
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown, text, whole
from sizing.catalog.accelerator import AcceleratorKind
from sizing.errors import UnknownFact

ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
AMI_DRIVER = 580  # of EKS's NVIDIA images, and what machines need beyond it: NVIDIA/aicr PR #2743, read 2026-07
NEEDS_DRIVER = {"g7": 595}
_IMAGE_OF = {AcceleratorKind.GPU: "NVIDIA", AcceleratorKind.NEURON: "NEURON"}


def _disk_size(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    size, template = stated(nodes.group, "diskSize"), stated(nodes.group, "launchTemplate")
    if not is_absent(size) and not is_unknown(size) and isinstance(template, dict):
        yield "diskSize", f"{shown(size)} GiB here, but the disk is the launch template's"


def release_mistakes(release: Value, version: str | None) -> Iterator[str]:
    """Why a machine image is not pinned, or not to the Kubernetes *version* (1.35)."""
    if is_absent(release) or release == "latest":
        yield f"is {shown(release)}: the newest image at the time, with its driver"
    elif version and isinstance(release, str) and not release.startswith(f"{version}."):
        yield f"is {release}, of another version of Kubernetes than {version}"


def _release(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    release, version = stated(nodes.group, "releaseVersion"), text(stated(nodes.group, "version"))
    if (
        is_unknown(release)
        or stated(nodes.group, "amiType") in ("CUSTOM", None)
        or is_unknown(stated(nodes.group, "amiType"))
    ):
        return
    yield from (("releaseVersion", what) for what in release_mistakes(release, version))


def _image(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    image = text(stated(nodes.group, "amiType"))
    if image is None or image == "CUSTOM":
        return
    if image.startswith("AL2_"):
        yield "amiType", f"{image}: EKS makes no Amazon Linux 2 images for Kubernetes 1.33 and later"
        return
    wanted = _IMAGE_OF.get(nodes.kind) if nodes.kind is not None else None
    if wanted is not None and wanted not in image:
        yield "amiType", f"{image} has no driver for the accelerators of {', '.join(nodes.machines)}"
    for machine in nodes.machines:
        arch = _arch(machine)
        if arch is not None and arch not in image.lower().replace("arm_64", "arm64"):
            yield "amiType", f"{image} does not run on {machine}, which is {arch}"


def _arch(machine: str) -> str | None:
    try:
        return arch_of(machine).value
    except UnknownFact:
        return None


def _driver(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    """EKS's own images carry one driver for all; some machines need a newer one."""
    del among
    image = text(stated(nodes.group, "amiType")) or ""
    for machine in nodes.machines:
        needed = NEEDS_DRIVER.get(machine.partition(".")[0])
        if needed is not None and "NVIDIA" in image and needed > AMI_DRIVER:
            yield "amiType", f"{image} carries driver {AMI_DRIVER}; {machine} needs {needed}"


def _local_disks(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    disks = max((one.local_disks for one in nodes.facts), default=0)
    image = text(stated(nodes.group, "amiType")) or ""
    if disks == 0 or not image.startswith("AL2023_") or nodes.template is None:
        return
    written = stated(nodes.template, "userData")
    told = decoded(written)
    if not is_unknown(written) and (written is None or (told is not None and "localStorage" not in told)):
        yield "launchTemplate", f"nothing joins the {disks} local NVMe disks of {', '.join(nodes.machines)}"


def _taint(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    taints = stated(nodes.group, "taints")
    effects = [inside(one, "effect") for one in items(taints)]
    keeps_off = any(is_unknown(one) or one in ("NO_SCHEDULE", "NO_EXECUTE") for one in effects)
    if nodes.kind is not None and not is_unknown(taints) and not keeps_off:
        yield "taints", f"nothing keeps other pods off {', '.join(nodes.machines)}"


def _scaled_by_others(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    least, most = (whole(stated(nodes.group, "scalingConfig", key)) for key in ("minSize", "maxSize"))
    ignored = nodes.group.ignore_changes
    covered = any(one in ("scalingConfig", "scalingConfig.desiredSize", "*") for one in ignored)
    if least is not None and most is not None and least < most and not covered:
        yield (
            "scalingConfig.desiredSize",
            f"an autoscaler moves it between {least} and {most}; the next run moves it back",
        )


def _fixed_name(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    name = text(stated(nodes.group, "nodeGroupName"))
    if name:
        yield "nodeGroupName", f"{name} is taken until the old group is gone, so a replacement cannot come first"


def _roles_first(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    waiting = waits_for(nodes.group, among)
    for role in behind(nodes.group, "nodeRoleArn", among, ROLE):
        for attachment in pointing_at(role, "role", among, ATTACHMENT):
            if attachment.urn not in waiting:
                yield "nodeRoleArn", f"nothing waits for {attachment.name}, without which nodes may not join"


def _public_subnet(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    for subnet in subnets_of(nodes, among):
        for association in pointing_at(subnet, "subnetId", among, ASSOCIATION):
            tables = association.property_dependencies.get("routeTableId", ())
            for route in of_type(among, ROUTE):
                to_internet = behind(route, "gatewayId", among, GATEWAY)
                if to_internet and set(route.property_dependencies.get("routeTableId", ())) & set(tables):
                    yield "subnetIds", f"{subnet.name} is routed to the internet by {route.name}"


def _ssh(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    access = stated(nodes.group, "remoteAccess")
    if not is_absent(inside(access, "ec2SshKey")) and is_absent(inside(access, "sourceSecurityGroupIds")):
        yield "remoteAccess", "opens port 22 of every node to the internet"


def _template_needed(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    if is_absent(stated(nodes.group, "launchTemplate")):
        yield "launchTemplate", "without one, metadata, disks and interfaces are as EKS's defaults have them"


def _repair(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    if nodes.kind is not None and is_off(stated(nodes.group, "nodeRepairConfig", "enabled")):
        yield "nodeRepairConfig", f"a machine with a broken accelerator stays in the pool: {', '.join(nodes.machines)}"


def _sizes(graph: Graph) -> Iterator[Violation]:
    for group in of_type(graph, NODE_GROUP):
        sizes = [whole(stated(group, "scalingConfig", key)) for key in ("minSize", "desiredSize", "maxSize")]
        known = [size for size in sizes if size is not None]
        if known != sorted(known):
            said = " <= ".join("?" if size is None else str(size) for size in sizes)
            yield Violation(urn=group.urn, path="scalingConfig", text=f"least <= desired <= most, but {said}")


RULES: tuple[Rule, ...] = (
    Rule(
        id="node-disk-size",
        severity=Severity.ERROR,
        title="The disk size of a node group with a launch template is the template's",
        why="EKS refuses disk_size beside a launch template",
        mend="set volume_size in the template's block device mapping",
        origin="terraform-aws-eks; AWS EKS launch template support",
        check=every_nodes(_disk_size),
    ),
    Rule(
        id="node-template",
        severity=Severity.WARNING,
        title="A node group has a launch template",
        why="metadata service, disk encryption and interfaces cannot be set otherwise",
        mend="give launch_template",
        origin="Pulumi CIS AWS pack eks-node-group-launch-template-required (3.1, 3.2)",
        check=every_nodes(_template_needed),
    ),
    Rule(
        id="ami-release-pinned",
        severity=Severity.ERROR,
        title="The machine image of a node group is pinned, and of the group's Kubernetes version",
        why="a driver that changes by itself breaks engines (CUDA error 802 after a minor release)",
        mend="set release_version, for example 1.35.6-20260714",
        origin="amazon-eks-ami#2554, #2417",
        check=every_nodes(_release),
    ),
    Rule(
        id="ami-of-machine",
        severity=Severity.ERROR,
        title="The image of a node group is of its machines' processor and accelerator",
        why="machines do not start, or start without a driver for what they were rented for",
        mend="take the AMI type of components/aws/ami.py for the machine",
        origin="awslabs/amazon-eks-ami CHANGELOG, v20260714; terraform-aws-eks AMI map",
        check=every_nodes(_image),
    ),
    Rule(
        id="ami-driver",
        severity=Severity.WARNING,
        title="The driver of a machine image knows the accelerators of the machine",
        why="nodes join, and no pod ever finds an accelerator on them",
        mend="use an image of your own with the newer driver (ami_type CUSTOM), or other machines",
        origin="NVIDIA/aicr PR #2743; amazon-eks-ami#2417: no images by driver",
        check=every_nodes(_driver),
    ),
    Rule(
        id="local-disks-used",
        severity=Severity.WARNING,
        title="Local NVMe disks are joined and used where the machine has them",
        why="images and caches land on the root volume, which is slow and fills up, while paid disks stand idle",
        mend="set spec.instance.localStorage.strategy: RAID0 in the NodeConfig of the template's user data",
        origin="awslabs/amazon-eks-ami nodeadm; no public rule",
        check=every_nodes(_local_disks),
    ),
    Rule(
        id="accelerator-taint",
        severity=Severity.WARNING,
        title="Nodes with accelerators have a taint",
        why="pods that need no accelerator fill the machine, and a replica finds no room on it",
        mend="add a taint of effect NO_SCHEDULE named after the resource, nvidia.com/gpu",
        origin="no public rule",
        check=every_nodes(_taint),
    ),
    Rule(
        id="autoscaler-owns-count",
        severity=Severity.WARNING,
        title="A count that an autoscaler moves is left alone by the program",
        why="each run puts the desired size back and takes machines away from running replicas",
        mend='add ignore_changes=["scalingConfig.desiredSize"]',
        origin="terraform-aws-eks default; pulumi-eks ignore_scaling_changes",
        check=every_nodes(_scaled_by_others),
    ),
    Rule(
        id="scaling-order",
        severity=Severity.ERROR,
        title="The least size of a node group is no more than the desired, and that no more than the most",
        why="EKS refuses the group",
        mend="put the three in order",
        origin="AWS::EKS::Nodegroup ScalingConfig; not caught by mocks (measured with pulumi 3.272.0)",
        check=_sizes,
    ),
    Rule(
        id="node-group-name-fixed",
        severity=Severity.WARNING,
        title="The name of a node group is left to Pulumi",
        why="a replacement cannot be made before the old group is gone: all its machines are lost in between",
        mend="give node_group_name_prefix instead",
        origin="pulumi-eks, terraform-aws-eks use_name_prefix",
        check=every_nodes(_fixed_name),
    ),
    Rule(
        id="node-role-first",
        severity=Severity.ERROR,
        title="A node group waits for the policies of its role",
        why="nodes that start earlier may not join, and are taken away with the policies still missing at the end",
        mend="add the role's policy attachments to depends_on",
        origin="AWS::EKS::Nodegroup; pulumi aws.eks.NodeGroup documentation",
        check=every_nodes(_roles_first),
    ),
    Rule(
        id="node-private-subnet",
        severity=Severity.ERROR,
        title="Node groups lie in subnets without a route to the internet gateway",
        why="with any address they get they can be reached from the internet",
        mend="use the private subnet of the zone",
        origin="production-stack, ai-on-eks: public nodes by default",
        check=every_nodes(_public_subnet),
    ),
    Rule(
        id="node-ssh",
        severity=Severity.ERROR,
        title="No node group opens SSH to everybody",
        why="remote_access without source groups opens port 22 to 0.0.0.0/0",
        mend="remove remote_access; use SSM, or name source_security_group_ids",
        origin="checkov CKV_AWS_100",
        check=every_nodes(_ssh),
    ),
    Rule(
        id="node-repair",
        severity=Severity.WARNING,
        title="EKS replaces accelerator nodes that break",
        why="a machine whose accelerator has failed is paid for and takes pods that never get ready",
        mend="set node_repair_config enabled=True",
        origin="terraform-aws-eks node_repair_config",
        check=every_nodes(_repair),
    ),
)
