"""
Keys of the stack's own: who may use them is said in their policy, and nobody else may.

A key's default policy gives the account's administrators everything, which is right for keys that only our own roles
use; services that use a key by themselves (CloudWatch Logs) have to be named. Root volumes of nodes keep the account's
own EBS key: a key of ours would have to name the service-linked role of Auto Scaling, which an account has only once
something used it, and until then no policy may name it. They hold images and logs, no weights and no secrets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from components.arguments import checked

KEY_DELETION_DAYS = 30


def account_of(arn: str) -> str:
    """The account in an ARN."""
    return arn.split(":")[4]


def key_policy(key_arn: str) -> str:
    """The account itself administers the key, and lets its roles use it by policies of theirs."""
    return _document(_administered(key_arn))


def log_key_policy(key_arn: str) -> str:
    """
    As `key_policy`; and CloudWatch Logs of this region may use it for log groups of this account.

    Source: Amazon CloudWatch Logs user guide, "Encrypt log data using AWS KMS" (encrypt-log-data-kms), 2026.
    """
    partition, region, account = (key_arn.split(":")[place] for place in (1, 3, 4))
    logs: dict[str, object] = {
        "Sid": "CloudWatchLogs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",  # in a key's policy: this key
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": f"arn:{partition}:logs:{region}:{account}:log-group:*",
            }
        },
    }
    return _document(_administered(key_arn), logs)


def _administered(key_arn: str) -> dict[str, object]:
    partition, account = key_arn.split(":")[1], account_of(key_arn)
    return {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def _document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def key_with_policy(name: str, *, description: str, opts: pulumi.ResourceOptions) -> kms.Key:
    """A symmetric key that is rotated every year, and the policy that its account's own roles need."""
    key = rotated_key(name, description=description, opts=opts)
    kms.KeyPolicy(
        f"{name}-policy",
        key_id=key.id,
        policy=key.arn.apply(key_policy),
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return key


def rotated_key(name: str, *, description: str, opts: pulumi.ResourceOptions) -> kms.Key:
    """A symmetric key that is rotated every year."""
    return kms.Key(
        name,
        description=description,
        enable_key_rotation=True,
        deletion_window_in_days=KEY_DELETION_DAYS,
        opts=opts,
    )


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeyArgs:
    """Whose logs."""

    cluster_name: str


@checked
class LogKey(pulumi.ComponentResource):
    """
    The key of the stack's log groups; lost, the logs are unreadable, so it outlives the stack.

    Attributes:
        key_arn: ARN of the key, known once CloudWatch Logs may use it: a log group that comes earlier is refused.
        account_id: The account that everything is in.
    """

    key_arn: pulumi.Output[str]
    account_id: pulumi.Output[str]

    def __init__(self, name: str, args: LogKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the key of *args*."""
        super().__init__("sizeup:index:AwsLogKey", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        key = rotated_key(f"{name}-key", description=f"Logs of {args.cluster_name}", opts=kept)
        policy = kms.KeyPolicy(f"{name}-key-policy", key_id=key.id, policy=key.arn.apply(log_key_policy), opts=kept)
        self.key_arn = pulumi.Output.all(key.arn, policy.id).apply(lambda known: str(known[0]))
        self.account_id = key.arn.apply(account_of)
        self.register_outputs({"keyArn": self.key_arn})
