"""Runs the project's own program for one stack, as the engine would: from Pulumi.yaml, the stack file and `main`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import yaml

from components.graph import Resource
from infra.document import read
from infra.recorder.answers import Answer, created
from infra.recorder.config import Config, engine_config
from infra.recorder.recorder import Recording, Transport, program_file, record_all
from infra.stack import read_stack_file
from sizing.errors import InvalidSpec, Problem

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What Pulumi.yaml says that a run needs."""

    name: str
    main: Path  # the program: a file, or a folder with `__main__.py`
    config: Mapping[str, object]  # typed defaults of the stacks' configuration


def read_project(root: Path) -> Project:
    """
    The project in the folder *root*.

    Raises:
        InvalidSpec: If its Pulumi.yaml cannot be read or names no project.
    """
    try:
        content = read((root / "Pulumi.yaml").read_text("utf-8")).value
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _invalid("Pulumi.yaml", f"cannot be read ({error})", "write a project file; see `pulumi new`") from None
    match content:
        case {"name": str() as name, **rest}:
            config, main = rest.get("config"), root / str(rest.get("main") or "")
            if not (main / "__main__.py").is_file() and not main.is_file():
                raise _invalid(
                    "main", f"names {main.name}, where there is no program", "give the folder of __main__.py"
                )
            return Project(
                name=name,
                main=main,
                config=config if isinstance(config, Mapping) else {},
            )
    raise _invalid("name", "is missing", "give the project a name: `name: sizeup`")


def stack_config(root: Path, stack: str) -> Config:
    """
    The configuration of *stack* in the project in *root*, its encrypted values unknown.

    Raises:
        InvalidSpec: If the project or the stack file cannot be read.
    """
    project = read_project(root)
    written = read_stack_file(root, stack).config
    return engine_config(project=project.name, stack_config=written, project_config=project.config)


def record_stack(
    root: Path,
    stack: str,
    *,
    answer: Callable[[Resource], Answer] = created,
    transport: Transport = Transport.GRPC,
    secrets: Mapping[str, str] = NOTHING,
) -> Recording:
    """
    What the program of the project in *root* registers for *stack*; raises as `record` does.

    *secrets* are encrypted settings, by full key, where somebody could decrypt them.

    Raises:
        InvalidSpec: If the project or the stack file cannot be read.
    """
    project = read_project(root)
    config = stack_config(root, stack).opened(secrets)
    return record_all(
        program_file(project.main),
        project=project.name,
        stack=stack,
        root=root,
        config=config,
        answer=answer,
        transport=transport,
    )


def _invalid(path: str, what: str, mend: str) -> InvalidSpec:
    return InvalidSpec((Problem(path=path, what=what, mend=mend),), source="Pulumi.yaml")
