"""The folder that the engine runs in: its plugins start, serve, and end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from infra.emulation.cloud import Cloud
from infra.emulation.faults import Fault, Injection, read_faults
from infra.emulation.protocol import empty_pb2, grpc, language_pb2_grpc, provider_pb2_grpc
from infra.emulation.provider import version_of
from infra.emulation.surroundings import PACKAGES, cloud_folder, environment, prepare, switch_off_deletion_protection

PATIENCE_S = 30.0


def test_everything_that_the_engine_needs_is_in_the_folder(tmp_path: Path):
    """State, home, plugins and cloud; the passphrase is the rehearsal's own."""
    prepare(tmp_path, [Injection(fault=Fault.CRASH)])
    found = environment(tmp_path, delay_s=0.5, base={"PATH": "/usr/bin", "AWS_PROFILE": "prod"})
    assert found["PATH"] == f"{tmp_path}/plugins:/usr/bin"
    assert found["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"
    assert found["PULUMI_HOME"] == f"{tmp_path}/home"
    assert not any(key.startswith("AWS_") for key in found)
    for package in PACKAGES:
        assert os.access(tmp_path / "plugins" / f"pulumi-resource-{package}", os.X_OK)
    assert read_faults(cloud_folder(tmp_path)) == (Injection(fault=Fault.CRASH),)


def test_a_provider_serves_on_the_port_that_it_tells(tmp_path: Path):
    prepare(tmp_path)
    with _started(tmp_path, "pulumi-resource-kubernetes") as plugin, _dialled(plugin) as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        assert stub.GetPluginInfo(empty_pb2.Empty()).version == version_of("kubernetes")
        plugin.send_signal(signal.SIGINT)  # how the engine ends its plugins
        assert plugin.wait(PATIENCE_S) == 0


def test_a_language_host_serves_too(tmp_path: Path):
    prepare(tmp_path)
    script = tmp_path / "plugins" / "pulumi-language-python"
    if not script.exists():  # the CLI on PATH has its own
        return
    with _started(tmp_path, script.name) as plugin, _dialled(plugin) as channel:
        assert language_pb2_grpc.LanguageRuntimeStub(channel).GetPluginInfo(empty_pb2.Empty()).version
        plugin.terminate()
        assert plugin.wait(PATIENCE_S) == 0


def test_a_plugin_does_not_outlive_an_engine_that_was_killed(tmp_path: Path):
    """A shell stands for the engine: it starts the plugin and is killed before it can say a word."""
    prepare(tmp_path)
    script = tmp_path / "plugins" / "pulumi-resource-kubernetes"
    with subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", f"{script} & echo $!; wait"],
        env={**os.environ, **environment(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as engine:
        assert engine.stdout is not None
        plugin = int(engine.stdout.readline())
        int(engine.stdout.readline())  # its port: it serves
        engine.kill()
        deadline = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{plugin}/cmdline").exists() and time.monotonic() < deadline:
            if b"emulation" not in Path(f"/proc/{plugin}/cmdline").read_bytes():
                break  # ended; nobody has fetched its exit status yet
            time.sleep(0.05)
        assert time.monotonic() < deadline


def test_deletion_protection_is_switched_off_in_the_cloud_of_the_folder(tmp_path: Path):
    prepare(tmp_path)
    switch_off_deletion_protection(tmp_path)
    assert Cloud(cloud_folder(tmp_path)).guards_are_released


def _started(folder: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  our own script
        [str(folder / "plugins" / name), "127.0.0.1:1"],
        env={**os.environ, **environment(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _dialled(plugin: subprocess.Popen[str]) -> grpc.Channel:
    assert plugin.stdout is not None
    return grpc.insecure_channel(f"127.0.0.1:{int(plugin.stdout.readline())}")
