"""Object storage for model weights: private, versioned, encrypted with the stack's own key, protected from deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage

from components.arguments import checked
from sizing.plan import Bucket

SOFT_DELETE_S = 7 * 24 * 3600  # Google's default, stated: deleted weights can be brought back, and are paid, for 7 days
NONCURRENT_DAYS = 30
ABORT_UPLOADS_DAYS = 7


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBucketArgs:
    """One bucket of the plan, where it lies and what encrypts it."""

    bucket: Bucket
    region: str
    key_id: pulumi.Input[str]
    labels: Mapping[str, str]


@checked
class ModelBucket(pulumi.ComponentResource):
    """
    A regional bucket that nobody outside can be let into.

    Attributes:
        bucket: Name of the bucket.
        uri: gs://name.
    """

    bucket: pulumi.Output[str]
    uri: pulumi.Output[str]

    def __init__(self, name: str, args: ModelBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the bucket of *args*; the provider comes with *opts*."""
        super().__init__("sizeup:index:GcpModelBucket", name, None, opts)
        bucket = storage.Bucket(
            name,
            location=args.region.upper(),  # as Google reports it; another case would show as a change
            storage_class=args.bucket.tier,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            force_destroy=False,
            versioning=storage.BucketVersioningArgs(enabled=True),
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=SOFT_DELETE_S),
            encryption=storage.BucketEncryptionArgs(default_kms_key_name=args.key_id),
            lifecycle_rules=lifecycle_rules(),
            labels=dict(args.labels),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        self.bucket = bucket.name
        self.uri = pulumi.Output.concat("gs://", bucket.name)
        self.register_outputs({"bucket": self.bucket, "uri": self.uri})


def lifecycle_rules() -> list[storage.BucketLifecycleRuleArgs]:
    """What is thrown away by itself: uploads that were never finished, and versions that were replaced."""
    return [
        storage.BucketLifecycleRuleArgs(
            action=storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
            condition=storage.BucketLifecycleRuleConditionArgs(age=ABORT_UPLOADS_DAYS),
        ),
        storage.BucketLifecycleRuleArgs(
            action=storage.BucketLifecycleRuleActionArgs(type="Delete"),
            condition=storage.BucketLifecycleRuleConditionArgs(
                days_since_noncurrent_time=NONCURRENT_DAYS, with_state="ARCHIVED"
            ),
        ),
    ]
