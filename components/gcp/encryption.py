"""Keys of the stack's own (CMEK), rotated, and the service agents of Google that may use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms

from components.arguments import checked

ROTATION_S = 90 * 24 * 3600  # checkov CKV_GCP_43: at most 90 days
USE_KEY = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionKeyArgs:
    """One key, and who may encrypt and decrypt with it."""

    key_ring_id: pulumi.Input[str]
    users: Mapping[str, pulumi.Input[str]]  # short name to IAM member
    labels: Mapping[str, str]
    users_are_asked: bool = False  # members that the cloud tells while the program runs; they never change


@checked
class EncryptionKey(pulumi.ComponentResource):
    """
    A symmetric key that is rotated every 90 days and cannot be lost by accident.

    Attributes:
        key_id: Id of the key, known once everyone in *users* may use it: what depends on it waits for that.
    """

    key_id: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the key of *args*; the provider comes with *opts*."""
        super().__init__("sizeup:index:GcpEncryptionKey", name, None, opts)
        key = kms.CryptoKey(
            name,
            key_ring=args.key_ring_id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=f"{ROTATION_S}s",
            labels=dict(args.labels),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        grants = [
            kms.CryptoKeyIAMMember(
                f"{name}-{user}",
                crypto_key_id=key.id,
                role=USE_KEY,
                member=member,
                # Unknown offline, a member that is asked for would seem to change in every preview.
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["member"] if args.users_are_asked else None),
            )
            for user, member in args.users.items()
        ]
        self.key_id = pulumi.Output.all(key.id, *[grant.id for grant in grants]).apply(lambda ids: str(ids[0]))
        self.register_outputs({"keyId": self.key_id})
