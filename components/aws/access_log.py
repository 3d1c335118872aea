"""
Who read or wrote the model weights, and when: a bucket that S3 writes access logs into, for all model buckets.

Encrypted with S3's own key, since logs are not delivered into a bucket under KMS (Amazon S3 user guide,
enable-server-access-logging: only SSE-S3 is supported; quoted in ministryofjustice/modernisation-platform-environments
PR 12965, 2025-09). It keeps no log of itself, which would grow by its own growth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from components.arguments import checked
from components.aws.storage import (
    ABORT_UPLOAD_DAYS,
    NONCURRENT_DAYS,
    closed,
    tls_only,
)

RETENTION_DAYS = 365  # as the audit log of the cluster: what is asked for after an incident is read together
DELIVERY = "logging.s3.amazonaws.com"


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogArgs:
    """Whose buckets."""

    account_id: pulumi.Input[str]


def delivery_policy(bucket_arn: str, account_id: str) -> str:
    """S3 may deliver logs of buckets of this account; and nobody may speak to the bucket without TLS."""
    delivery = {
        "Sid": "AccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERY},
        "Action": "s3:PutObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [delivery, tls_only(bucket_arn)]})


@checked
class AccessLog(pulumi.ComponentResource):
    """
    The bucket of access logs; it outlives the stack, as the buckets that it tells of do.

    Attributes:
        bucket_name: Name, known once S3 may deliver into it.
    """

    bucket_name: pulumi.Output[str]

    def __init__(self, name: str, args: AccessLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the bucket of *args*."""
        super().__init__("sizeup:index:AwsAccessLog", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        bucket = s3.Bucket(f"{name}-bucket", opts=kept)
        versioning = closed(name, bucket, child)
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption", bucket=bucket.id, rules=[_encryption()], opts=child
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=[_lifecycle()],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        document = pulumi.Output.all(bucket.arn, args.account_id).apply(lambda x: delivery_policy(str(x[0]), str(x[1])))
        policy = s3.BucketPolicy(f"{name}-delivery", bucket=bucket.id, policy=document, opts=child)
        self.bucket_name = pulumi.Output.all(bucket.bucket, policy.id).apply(lambda known: str(known[0]))
        self.register_outputs({"bucketName": self.bucket_name})


def _encryption() -> s3.BucketServerSideEncryptionConfigurationRuleArgs:
    """S3's own key: the only one under which logs are delivered."""
    return s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256"
        )
    )


def _lifecycle() -> s3.BucketLifecycleConfigurationRuleArgs:
    """Logs go after a year."""
    return s3.BucketLifecycleConfigurationRuleArgs(
        id="expire",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=RETENTION_DAYS),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=ABORT_UPLOAD_DAYS
        ),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=NONCURRENT_DAYS
        ),
    )
