"""`python -m infra.emulation provider aws`, or `language`: what the engine starts as a plugin."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.emulation.serving import serve


def main(arguments: list[str]) -> int:
    """Serve one plugin until the engine is gone."""
    match arguments:
        case ["provider", package, *_]:
            _provider(package)
        case ["language", *rest]:
            _language(rest)
        case _:
            sys.stderr.write("usage: python -m infra.emulation provider aws|gcp|kubernetes, or: language\n")
            return 2
    return 0


def _provider(package: str) -> None:
    from infra.emulation.cloud import Cloud  # noqa: PLC0415  each plugin loads what it needs
    from infra.emulation.faults import read_faults  # noqa: PLC0415
    from infra.emulation.protocol import provider_pb2_grpc  # noqa: PLC0415
    from infra.emulation.provider import Provider  # noqa: PLC0415
    from infra.emulation.surroundings import DELAY_S, FOLDER  # noqa: PLC0415

    folder = Path(os.environ[FOLDER])
    provider = Provider(package, Cloud(folder), read_faults(folder), delay_s=float(os.environ.get(DELAY_S) or 0.0))
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))


def _language(arguments: list[str]) -> None:
    from infra.emulation.language import LanguageHost  # noqa: PLC0415
    from infra.emulation.protocol import language_pb2_grpc  # noqa: PLC0415

    host = LanguageHost(engine_address=arguments[-1] if arguments else "")
    serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server))
    host.stop()  # programs do not outlive an engine that was killed
    host.stop()  # a killed engine stops nothing, and its program would wait for it for ever


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
