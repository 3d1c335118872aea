"""
The bucket that model weights are streamed from: private, encrypted, versioned, logged, protected. Knows no pods.

Left out on purpose: replication and event notifications (weights can be had again from where they came; checkov
CKV_AWS_144, CKV2_AWS_62).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms, s3

from components.arguments import checked
from components.aws.encryption import key_with_policy
from sizing.plan import Bucket

ABORT_UPLOAD_DAYS = 7  # parts of uploads that never ended are billed until then
NONCURRENT_DAYS = 30  # how long a replaced or deleted version can be brought back


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBucketArgs:
    """Which bucket of the plan, and where it tells who reads it."""

    bucket: Bucket
    access_log_bucket: pulumi.Input[str]


def tls_only_policy(bucket_arn: str) -> str:
    """The policy of a bucket that nobody but the account's own roles may use."""
    return json.dumps({"Version": "2012-10-17", "Statement": [tls_only(bucket_arn)]})


def tls_only(bucket_arn: str) -> dict[str, object]:
    """Nobody may speak to the bucket without TLS, whatever else allows it."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def closed(name: str, bucket: s3.Bucket, opts: pulumi.ResourceOptions) -> s3.BucketVersioning:
    """Versioning of *bucket*, which nobody outside can be let into, by policies or by access lists."""
    s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.id,
        rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=opts,
    )
    return s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.id,
        versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=opts,
    )


@checked
class ModelBucket(pulumi.ComponentResource):
    """
    One bucket of the plan with its own key; neither is deleted with the stack.

    Attributes:
        bucket_name: Name, unique in the world, so made up by Pulumi.
        bucket_arn: ARN of the bucket.
        key_arn: ARN of the key that its objects are encrypted with.
    """

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ModelBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the bucket of *args*."""
        super().__init__("sizeup:index:AwsModelBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        key = key_with_policy(f"{name}-key", description=f"Model weights of {name}", opts=kept)
        bucket = s3.Bucket(f"{name}-bucket", tags={"sizeup-bucket": args.bucket.name}, opts=kept)
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption", bucket=bucket.id, rules=[_encryption(key)], opts=child
        )
        versioning = closed(name, bucket, child)
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=[_lifecycle()],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        s3.BucketPolicy(f"{name}-tls", bucket=bucket.id, policy=bucket.arn.apply(tls_only_policy), opts=child)
        s3.BucketLogging(
            f"{name}-access-log",
            bucket=bucket.id,
            target_bucket=args.access_log_bucket,
            target_prefix=f"{args.bucket.name}/",
            opts=child,
        )
        self.bucket_name = bucket.bucket
        self.bucket_arn = bucket.arn
        self.key_arn = key.arn
        self.register_outputs({"bucketName": self.bucket_name, "bucketArn": self.bucket_arn, "keyArn": self.key_arn})


def _encryption(key: kms.Key) -> s3.BucketServerSideEncryptionConfigurationRuleArgs:
    """Objects under the bucket's own key; the bucket key saves a call to KMS for each object read."""
    by_default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key.arn
    )
    return s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=by_default, bucket_key_enabled=True
    )


def _lifecycle() -> s3.BucketLifecycleConfigurationRuleArgs:
    """Nothing that no one can see is billed for ever."""
    return s3.BucketLifecycleConfigurationRuleArgs(
        id="tidy",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=ABORT_UPLOAD_DAYS
        ),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=NONCURRENT_DAYS
        ),
    )
