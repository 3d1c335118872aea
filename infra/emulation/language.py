"""A language host for Python programs, for a Pulumi CLI that has none beside it: starts the program, tells its end.

Facts on the protocol: pulumi/pulumi sdk/v3.259.0, proto/pulumi/language.proto and go/common/resource/plugin.
"""

# ruff: noqa: N802  methods have the names of the protocol

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.emulation import running
from infra.emulation.plugin_process import plugin_output
from infra.emulation.protocol import empty_pb2, language_pb2, language_pb2_grpc, plugin_pb2
from infra.emulation.running import SHOWN


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine's calls; the methods have the protocol's names."""

    def __init__(self, *, engine_address: str) -> None:
        """Serve the engine at *engine_address*, which programs are to talk to."""
        self._engine_address = engine_address
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, _context: object = None
    ) -> language_pb2.LanguageHandshakeResponse:
        """Where the engine is."""
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: object, _context: object = None) -> plugin_pb2.PluginInfo:
        """The version of the SDK that programs use."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(
        self, _request: object, _context: object = None
    ) -> language_pb2.GetRequiredPackagesResponse:
        """None to be fetched: plugins are on PATH."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, _request: object, _context: object = None) -> language_pb2.GetRequiredPluginsResponse:
        """None, the same in older words."""
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(
        self, _request: object, _context: object = None
    ) -> language_pb2.GetProgramDependenciesResponse:
        """What is installed beside the program."""
        found = {(item.metadata["Name"], item.version) for item in importlib.metadata.distributions()}
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in sorted(found)]
        )

    def InstallDependencies(
        self, _request: object, _context: object = None
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Nothing to install: the project's environment is there."""
        yield from ()

    def RuntimeOptionsPrompts(self, _request: object, _context: object = None) -> language_pb2.RuntimeOptionsResponse:
        """No questions."""
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, _request: object, _context: object = None) -> empty_pb2.Empty:
        """Nothing to do after a template."""
        return empty_pb2.Empty()

    def About(self, request: language_pb2.AboutRequest, _context: object = None) -> language_pb2.AboutResponse:
        """The Python that runs programs."""
        version = ".".join(map(str, sys.version_info[:3]))
        return language_pb2.AboutResponse(executable=str(_python(request.info)), version=version)

    def Cancel(self, _request: object, _context: object = None) -> empty_pb2.Empty:
        """End the running programs."""
        self.stop()
        return empty_pb2.Empty()

    def Run(self, request: language_pb2.RunRequest, _context: object = None) -> language_pb2.RunResponse:
        """Run the program to its end; it talks to the engine by itself."""
        settings = {
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
        }
        directory = Path(request.info.program_directory or request.pwd)
        program = str(directory / (request.info.entry_point or request.program or "."))
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        status = self._ran(
            [str(_python(request.info)), str(Path(running.__file__)), json.dumps(settings), program, *request.args],
            Path(request.pwd or directory),
            environment,
        )
        if status == 0:
            return language_pb2.RunResponse()
        if status == SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {status}")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: Any
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin, such as a policy pack, to its end: the folder that it is, in its own environment."""
        directory = Path(request.info.program_directory)
        return plugin_output(
            [str(_python(request.info)), str(directory), *request.args],
            folder=Path(request.pwd or directory),
            environment=dict(setting.split("=", 1) for setting in request.env),
            context=context,
        )

    def _ran(self, words: list[str], folder: Path, environment: dict[str, str]) -> int:
        """The exit status of a program; what it prints goes where the engine reads."""
        with subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL) as program:  # noqa: S603
            with self._lock:
                self._programs.add(program)
            try:
                return program.wait()
            finally:
                with self._lock:
                    self._programs.discard(program)

    def stop(self) -> None:
        """End every program that still runs."""
        with self._lock:
            running_now = list(self._programs)
        for program in running_now:
            with contextlib.suppress(ProcessLookupError):
                program.terminate()


def _python(info: language_pb2.ProgramInfo) -> Path:
    """The Python of the project's virtual environment, or else the one that runs this."""
    option = info.options.fields["virtualenv"].string_value if "virtualenv" in info.options.fields else ""
    if option:
        found = Path(info.root_directory) / option / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if found.exists():
            return found
    return Path(sys.executable)
