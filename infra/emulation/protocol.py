"""The messages of the engine's plugin protocol, in one place: providers, language hosts, and errors with details."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import (
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from infra.recorder.sdk import CHANNEL_OPTIONS

__all__ = [
    "CHANNEL_OPTIONS",
    "any_pb2",
    "empty_pb2",
    "grpc",
    "language_pb2",
    "language_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
    "struct_pb2",
]
