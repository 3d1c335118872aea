"""The language host runs a program as the engine asks, and tells how it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.emulation.language import LanguageHost
from infra.emulation.protocol import language_pb2
from infra.recorder.answers import created
from infra.recorder.config import Config
from infra.recorder.monitor import EngineLog, Monitor, Run
from infra.recorder.recorder import Transport, _served

PROGRAM = """
import sys
import pulumi

class Thing(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Thing", name)
        self.register_outputs({})

Thing(pulumi.Config().require("name"))
pulumi.export("root", pulumi.get_root_directory())
pulumi.export("secret", pulumi.Config().get_secret("key"))
print("said by the program")
"""


def ran(folder: Path, text: str, **config: str) -> tuple[language_pb2.RunResponse, Monitor, EngineLog]:
    """How the program *text* ended, and what it registered and logged."""
    (folder / "__main__.py").write_text(text)
    settings = Config(values={f"p:{key}": value for key, value in config.items()})
    monitor = Monitor(
        Run(
            project="p",
            stack="s",
            organization="o",
            root=folder,
            config=settings,
            answer=created,
            stack_outputs={},
        )
    )
    log = EngineLog()
    with _served(monitor, log, Transport.GRPC) as (monitor_address, engine_address):
        host = LanguageHost(engine_address=str(engine_address))
        request = language_pb2.RunRequest(
            project="p",
            stack="s",
            organization="o",
            pwd=str(folder),
            program=".",
            config=dict(settings.values),
            configSecretKeys=["p:key"],
            dryRun=True,
            parallel=4,
            monitor_address=str(monitor_address),
            info=language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point="."),
        )
        answer = host.Run(request)
    monitor.close()
    return answer, monitor, log


def test_a_program_registers_with_the_engine_and_ends_well(tmp_path: Path, capfd):
    """Its configuration arrives, secrets as secrets; what it prints goes where the engine reads."""
    answer, monitor, _ = ran(tmp_path, PROGRAM, name="one", key="hunter2")
    assert (answer.error, answer.bail) == ("", False)
    assert [item.name for item in monitor.resources.values() if item.type == "test:index:Thing"] == ["one"]
    assert monitor.outputs["root"] == str(tmp_path)
    assert "hunter2" not in repr(monitor.outputs)
    assert "said by the program" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import pulumi\nraise pulumi.RunError('give a region')\n", "give a region"),
        ("raise KeyError('lost')\n", "KeyError: 'lost'"),
    ],
    ids=["a mistake of the user's", "a mistake of the program's"],
)
def test_a_program_that_fails_says_why_once(tmp_path: Path, text: str, said: str):
    """The message is logged by the program; the host says only that it is told."""
    answer, _, log = ran(tmp_path, text)
    assert (answer.error, answer.bail) == ("", True)
    (message,) = log.messages
    assert said in message.text
    assert "runpy" not in message.text


def test_a_program_that_ends_itself_is_told_by_its_status(tmp_path: Path):
    answer, _, _ = ran(tmp_path, "import os\nos._exit(7)\n")
    assert answer.error == "Program exited with non-zero exit code: 7"


def test_nothing_is_installed_and_no_plugin_is_asked_for():
    host = LanguageHost(engine_address="127.0.0.1:1")
    assert list(host.InstallDependencies(None)) == []
    assert len(host.GetRequiredPackages(None).packages) == 0
    assert "pulumi" in {item.name for item in host.GetProgramDependencies(None).dependencies}
