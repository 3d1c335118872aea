"""The model bucket and its key: nobody is let in, nothing is lost, nothing is kept for ever."""

from __future__ import annotations

from components.gcp.encryption import EncryptionKey, EncryptionKeyArgs
from components.gcp.storage import ModelBucket, ModelBucketArgs
from sizing.plan import Bucket
from tests.gcp import at, built, every, one

PLANNED = Bucket(name="models", region="us-central1", tier="STANDARD", bytes=70_600_000_000, usd_per_gb_month=0.02)
GRAPH = built(
    lambda: ModelBucket(
        "models",
        ModelBucketArgs(bucket=PLANNED, region="us-central1", key_id="key", labels={"owner": "ml-platform"}),
    )
)
BUCKET = one(GRAPH, "Bucket")
KEYS = built(
    lambda: EncryptionKey(
        "key", EncryptionKeyArgs(key_ring_id="ring", users={"gke": "serviceAccount:a"}, labels={"owner": "ml-platform"})
    )
)


def test_the_bucket_cannot_be_made_public() -> None:
    """Not by a mistake in IAM either; and no object has rights of its own."""
    assert at(BUCKET, "publicAccessPrevention") == "enforced"
    assert at(BUCKET, "uniformBucketLevelAccess") is True


def test_the_bucket_is_encrypted_with_the_stacks_own_key() -> None:
    """In the region of the machines that read it."""
    assert at(BUCKET, "encryption") == {"defaultKmsKeyName": "key"}
    assert at(BUCKET, "location") == "US-CENTRAL1"
    assert at(BUCKET, "storageClass") == "STANDARD"


def test_what_is_overwritten_or_deleted_can_be_brought_back_for_a_while() -> None:
    """Versions for 30 days, deleted objects for 7; both are paid, so both end."""
    assert at(BUCKET, "versioning") == {"enabled": True}
    assert at(BUCKET, "softDeletePolicy") == {"retentionDurationSeconds": 7 * 86_400}
    assert at(BUCKET, "lifecycleRules", 1) == {
        "action": {"type": "Delete"},
        "condition": {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"},
    }


def test_uploads_that_never_ended_are_thrown_away() -> None:
    """They are paid and cannot be seen in a listing."""
    assert at(BUCKET, "lifecycleRules", 0) == {
        "action": {"type": "AbortIncompleteMultipartUpload"},
        "condition": {"age": 7},
    }


def test_the_bucket_is_protected() -> None:
    """By Pulumi, and never emptied to be deleted."""
    assert BUCKET.protect
    assert at(BUCKET, "forceDestroy") is False


def test_keys_are_rotated_every_90_days_and_protected() -> None:
    """90 x 86,400 s = 7,776,000 s; without its key, what it encrypted is lost."""
    key = one(KEYS, "CryptoKey")
    assert at(key, "rotationPeriod") == "7776000s"
    assert key.protect


def test_only_the_named_may_use_a_key() -> None:
    """One grant each, to encrypt and decrypt."""
    grant = one(KEYS, "CryptoKeyIAMMember")
    assert at(grant, "role") == "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    assert at(grant, "member") == "serviceAccount:a"
    assert every(KEYS, "CryptoKeyIAMBinding") == ()
