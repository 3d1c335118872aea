"""
The AWS facts beside CloudFormation's, a second source that nobody here wrote.

CloudFormation's schemas (in cfn-lint) name the properties that only a new resource takes (createOnlyProperties). The
AWS provider of Pulumi is Terraform's, so it decides for itself; wherever the two differ, the reason stands here.
"""

from __future__ import annotations

import functools

import pulumi_aws  # noqa: F401  the package registers its types when it is imported
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.diff import paths
from infra.diff.replacement import rules
from infra.preview import validation

COUNTERPARTS = {  # ours: theirs
    "aws:cloudwatch/logGroup:LogGroup": "Logs::LogGroup",
    "aws:ec2/eip:Eip": "EC2::EIP",
    "aws:ec2/flowLog:FlowLog": "EC2::FlowLog",
    "aws:ec2/internetGateway:InternetGateway": "EC2::InternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "EC2::LaunchTemplate",
    "aws:ec2/natGateway:NatGateway": "EC2::NatGateway",
    "aws:ec2/placementGroup:PlacementGroup": "EC2::PlacementGroup",
    "aws:ec2/route:Route": "EC2::Route",
    "aws:ec2/routeTable:RouteTable": "EC2::RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "EC2::SubnetRouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup": "EC2::SecurityGroup",
    "aws:ec2/subnet:Subnet": "EC2::Subnet",
    "aws:ec2/vpc:Vpc": "EC2::VPC",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "EC2::VPCEndpoint",
    "aws:eks/accessEntry:AccessEntry": "EKS::AccessEntry",
    "aws:eks/addon:Addon": "EKS::Addon",
    "aws:eks/cluster:Cluster": "EKS::Cluster",
    "aws:eks/nodeGroup:NodeGroup": "EKS::Nodegroup",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "EKS::PodIdentityAssociation",
    "aws:iam/role:Role": "IAM::Role",
    "aws:iam/rolePolicy:RolePolicy": "IAM::RolePolicy",
    "aws:kms/key:Key": "KMS::Key",
    "aws:s3/bucket:Bucket": "S3::Bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "S3::BucketPolicy",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "EC2::SecurityGroupEgress",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "EC2::SecurityGroupIngress",
}
WITHOUT_COUNTERPART = {  # parts of another type there, or acts on one
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "the VPC's own group, which is adopted and never created",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "a part of EKS::AccessEntry",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "a part of IAM::Role",
    "aws:kms/keyPolicy:KeyPolicy": "a part of KMS::Key",
    "aws:s3/bucketLogging:BucketLogging": "a part of S3::Bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "a part of S3::Bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "a part of S3::Bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "a part of S3::Bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "a part of S3::Bucket",
    "aws:s3/bucketVersioning:BucketVersioning": "a part of S3::Bucket",
}
NAMES = {  # inputs that are called something else there
    "EC2::FlowLog": {"DeliverLogsPermissionArn": "iamRoleArn"},
    "EC2::LaunchTemplate": {"LaunchTemplateName": "name"},
    "EC2::NatGateway": {"PrivateIpAddress": "privateIp"},
    "EC2::SecurityGroup": {"GroupDescription": "description", "GroupName": "name"},
    "EC2::SecurityGroupEgress": {
        "CidrIp": "cidrIpv4",
        "GroupId": "securityGroupId",
        "DestinationSecurityGroupId": "referencedSecurityGroupId",
        "DestinationPrefixListId": "prefixListId",
    },
    "EC2::SecurityGroupIngress": {
        "CidrIp": "cidrIpv4",
        "GroupId": "securityGroupId",
        "SourceSecurityGroupId": "referencedSecurityGroupId",
        "SourcePrefixListId": "prefixListId",
    },
    "EKS::Nodegroup": {"NodegroupName": "nodeGroupName", "NodeRole": "nodeRoleArn", "Subnets": "subnetIds"},
    "IAM::Role": {"RoleName": "name"},
    "IAM::RolePolicy": {"PolicyName": "name", "RoleName": "role"},
    "Logs::LogGroup": {"LogGroupName": "name"},
    "S3::Bucket": {"BucketName": "bucket", "BucketNamePrefix": "bucketPrefix"},
}

ABSENT = "the provider has no such input"
NOT_READ = "newer than the provider's source that was read, so it is not known here"
CONDITIONAL = "the provider replaces under conditions of its own (CustomizeDiff), so it is not known here"
RULES_CHANGE = "ModifySecurityGroupRules changes a rule in place; CloudFormation has not used it"
ONLY_THERE = {
    ("EC2::EIP", "transferAddress"): ABSENT,
    ("EC2::FlowLog", "logGroupName"): f"{ABSENT}: its logDestination holds the log group",
    ("EC2::FlowLog", "resourceId"): "the provider has an input for each kind: vpcId, subnetId, eniId, ...",
    ("EC2::FlowLog", "resourceType"): "the provider has an input for each kind: vpcId, subnetId, eniId, ...",
    ("EC2::FlowLog", "tagFieldSpecifications"): NOT_READ,
    ("EC2::PlacementGroup", "parentGroupId"): ABSENT,
    ("EC2::PlacementGroup", "tags"): "the provider changes the tags of whatever is in EC2 in place",
    ("EC2::SecurityGroupEgress", "cidrIpv4"): CONDITIONAL,
    ("EC2::SecurityGroupEgress", "cidrIpv6"): CONDITIONAL,
    ("EC2::SecurityGroupEgress", "fromPort"): RULES_CHANGE,
    ("EC2::SecurityGroupEgress", "ipProtocol"): RULES_CHANGE,
    ("EC2::SecurityGroupEgress", "prefixListId"): CONDITIONAL,
    ("EC2::SecurityGroupEgress", "referencedSecurityGroupId"): CONDITIONAL,
    ("EC2::SecurityGroupEgress", "toPort"): RULES_CHANGE,
    ("EC2::SecurityGroupIngress", "cidrIpv4"): CONDITIONAL,
    ("EC2::SecurityGroupIngress", "cidrIpv6"): CONDITIONAL,
    ("EC2::SecurityGroupIngress", "fromPort"): RULES_CHANGE,
    ("EC2::SecurityGroupIngress", "groupName"): f"{ABSENT}: groups are named by their ids",
    ("EC2::SecurityGroupIngress", "ipProtocol"): RULES_CHANGE,
    ("EC2::SecurityGroupIngress", "prefixListId"): CONDITIONAL,
    ("EC2::SecurityGroupIngress", "referencedSecurityGroupId"): CONDITIONAL,
    ("EC2::SecurityGroupIngress", "sourceSecurityGroupName"): f"{ABSENT}: groups are named by their ids",
    ("EC2::SecurityGroupIngress", "sourceSecurityGroupOwnerId"): f"{ABSENT}: it is a part of the referenced group",
    ("EC2::SecurityGroupIngress", "toPort"): RULES_CHANGE,
    ("EC2::SubnetRouteTableAssociation", "routeTableId"): "the provider calls ReplaceRouteTableAssociation",
    ("EC2::VPC", "vpcEncryptionControl"): ABSENT,
    ("EKS::Addon", "namespaceConfig"): NOT_READ,
    ("EKS::Cluster", "encryptionConfig"): CONDITIONAL,
    ("EKS::Cluster", "outpostConfig"): "the provider says it of two of its parts: the machine type and the placement",
    ("S3::Bucket", "bucketNamespace"): NOT_READ,
}
REFUSED_THERE = "CloudFormation lets the API refuse it; the provider replaces"
ONLY_HERE = {
    ("EC2::EIP", "domain"): REFUSED_THERE,
    ("EC2::EIP", "publicIpv4Pool"): REFUSED_THERE,
    ("EKS::Cluster", "outpostConfig.controlPlaneInstanceType"): "CloudFormation says it of the whole outpostConfig",
    ("EKS::Cluster", "outpostConfig.controlPlanePlacement"): "CloudFormation says it of the whole outpostConfig",
    ("EKS::Nodegroup", "launchTemplate.id"): REFUSED_THERE,
    ("EKS::Nodegroup", "launchTemplate.name"): REFUSED_THERE,
    ("KMS::Key", "keyUsage"): REFUSED_THERE,
    ("KMS::Key", "multiRegion"): REFUSED_THERE,
    ("Logs::LogGroup", "logGroupClass"): REFUSED_THERE,
}


@functools.cache
def schema(theirs: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::{theirs}").schema
    return found


def ours(theirs: str, pointer: str) -> str:
    """The path of a schema's JSON pointer in the provider's names: VpcConfig/SubnetIds is vpcConfig.subnetIds."""
    renamed = NAMES.get(theirs, {})
    parts = pointer.removeprefix("/properties/").split("/")
    return ".".join(renamed.get(part, part[0].lower() + part[1:]) for part in parts)


def only_new_ones_take(theirs: str) -> set[str]:
    return {ours(theirs, pointer) for pointer in schema(theirs).get("createOnlyProperties", ())}


def forcing(type_: str) -> set[str]:
    """The forcing paths in the facts on *type_* that CloudFormation has a property for."""
    known = {ours(COUNTERPARTS[type_], name) for name in schema(COUNTERPARTS[type_])["properties"]}
    return {paths.text(path) for path in rules()[type_].forces if path[0] in known}


@pytest.mark.parametrize("type_", COUNTERPARTS)
def test_the_facts_agree_with_cloudformation_but_for_listed_differences(type_):
    theirs = COUNTERPARTS[type_]
    listed_there = {path for type_there, path in ONLY_THERE if type_there == theirs}
    listed_here = {path for type_there, path in ONLY_HERE if type_there == theirs}
    assert only_new_ones_take(theirs) - forcing(type_) == listed_there
    assert forcing(type_) - only_new_ones_take(theirs) == listed_here


@pytest.mark.parametrize(("theirs", "path", "reason"), [(*key, reason) for key, reason in ONLY_THERE.items()])
def test_a_listed_reason_is_what_the_facts_say(theirs, path, reason):
    """What is said to be unknown is `unknown`, what is said to be absent is no input of the provider's type."""
    type_ = next(type_ for type_, name in COUNTERPARTS.items() if name == theirs)
    unknown = {paths.text(entry) for entry in rules()[type_].unknown}
    assert (path in unknown) == (reason in (NOT_READ, CONDITIONAL))
    if reason.startswith(ABSENT):
        assert path not in validation._fields(validation._arguments_of(type_))


@pytest.mark.parametrize(
    ("type_", "path"), [("aws:ec2/subnet:Subnet", "ipv6CidrBlock"), ("aws:ec2/vpc:Vpc", "instanceTenancy")]
)
def test_what_cloudformation_replaces_on_conditions_is_not_known_here_either(type_, path):
    """Its schemas list them as conditionalCreateOnlyProperties."""
    theirs = COUNTERPARTS[type_]
    assert [ours(theirs, pointer) for pointer in schema(theirs)["conditionalCreateOnlyProperties"]] == [path]
    assert path in {paths.text(entry) for entry in rules()[type_].unknown}


def test_no_aws_type_is_left_out():
    """Each type in the facts has a counterpart, or is said to have none."""
    assert {*COUNTERPARTS, *WITHOUT_COUNTERPART} == {
        type_ for type_ in rules() if type_.startswith("aws:") and "*" not in type_
    }
