"""Stack files and their plans: where they are, reading them with line numbers, writing plans whole.

One parser serves both readings of a stack: the YAML file, and the texts that the engine hands a program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import yaml

from components.platform import Platform
from infra.document import Document, read, scalar
from infra.files import write_whole
from infra.model_files import model_config
from infra.settings import read_platform
from sizing import lockfile
from sizing.errors import DamagedPlan, InvalidSpec, Problem, StalePlan
from sizing.plan import SizingPlan
from sizing.spec.read import model_paths, read_spec
from sizing.spec.wording import did_you_mean, nearest, path_text
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog

STACKS = "stacks"
NAMESPACE = "sizeup"
PREFIX = f"{NAMESPACE}:"
PLATFORM = "platform"
GCP_PROJECT = "gcp:project"
SECRETS: Mapping[str, str] = {  # read by the program alone; sizing and preview know only that they are there
    "api_key": "the key that clients of the model must send",
    "hub_token": "the token that fetches the weights of a gated model",
}
SPEC_KEYS = (
    *("cloud", "regions", "zones", "budget_usd_per_month", "headroom"),
    *("quotas", "reservations", "capacity_blocks", "commitments", "teams", "payback_days", "objective", "workloads"),
)
PLAN_SUFFIX = ".plan.json"

_Part = TypeVar("_Part")
_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class EngineConfig(Protocol):
    """What the engine hands a program: `pulumi.Config("sizeup")`, one text for each key."""

    def get(self, key: str) -> str | None:
        """The text of *key*; None where it is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """One stack file as it is written."""

    name: str  # chat-aws
    path: Path
    source: str  # as messages call it: stacks/Pulumi.chat-aws.yaml
    config: Mapping[str, object]  # everything under config:, by full key
    document: Document

    @property
    def settings(self) -> dict[str, object]:
        """
        The values of the `sizeup:` keys, without that prefix.

        Whenever the CLI saves a stack file (`pulumi stack init`, `pulumi config set`), it puts every top-level scalar
        in quotes, so a quoted 90000 there is the number that it was.
        """
        return {
            key.removeprefix(PREFIX): _engine_value(value) if isinstance(value, str) else value
            for key, value in self.config.items()
            if key.startswith(PREFIX)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """All that a stack says."""

    name: str
    spec: Spec
    platform: Platform


def stack_names(root: Path) -> tuple[str, ...]:
    """Names of the stacks of a project, sorted."""
    return tuple(
        sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in _folder(root).glob("Pulumi.*.yaml"))
    )


def stack_path(root: Path, stack: str) -> Path:
    """Where the file of a stack is."""
    return _folder(root) / f"Pulumi.{stack}.yaml"


def plan_path(root: Path, stack: str) -> Path:
    """Where the plan of a stack is."""
    return _folder(root) / f"{stack}{PLAN_SUFFIX}"


def read_stack_file(root: Path, stack: str) -> StackFile:
    """
    The file of a stack, as it is written.

    Raises:
        InvalidSpec: If there is no such stack, or its file cannot be read, is no YAML, or holds a key twice.
    """
    path = stack_path(root, stack)
    source = f"{STACKS}/{path.name}"
    document = _document(_text(root, stack, path, source), source)
    if document.problems:
        raise InvalidSpec(tuple(_below_config(problem) for problem in document.problems), source=source)
    config = document.value.get("config") if isinstance(document.value, Mapping) else None
    if not isinstance(config, Mapping):
        mend = f"write `config:` and under it `{PREFIX}cloud`, `{PREFIX}regions` and `{PREFIX}workloads`"
        raise _invalid("config", "is missing, or is no mapping", mend, source=source)
    return StackFile(name=stack, path=path, source=source, config=config, document=document)


def load_stack(root: Path, stack: str, catalog: Catalog) -> Stack:
    """
    All that a stack says.

    Raises:
        InvalidSpec: With every mistake of the file, each with its line.
    """
    file = read_stack_file(root, stack)
    settings = file.settings
    problems = list(_strange_keys(file))
    spec = _collected(problems, lambda: _spec(settings, catalog, directory=file.path.parent, source=file.source))
    platform = _collected(problems, lambda: _platform(file))
    if spec is None or platform is None or problems:
        raise InvalidSpec(_with_lines(problems, file.document), source=file.source)
    return Stack(name=stack, spec=spec, platform=platform)


def load_spec(root: Path, stack: str, catalog: Catalog) -> Spec:
    """The spec of a stack; raises as `load_stack` does."""
    return load_stack(root, stack, catalog).spec


def spec_of_settings(root: Path, settings: Mapping[str, object], catalog: Catalog, *, source: str) -> Spec:
    """
    The spec of other *settings* than those that a stack file holds, as if they stood in it.

    Raises:
        InvalidSpec: With every mistake of the settings, told to be in *source*.
    """
    return _spec(settings, catalog, directory=_folder(root), source=source)


def load_platform(root: Path, stack: str) -> Platform:
    """
    The platform settings of a stack, without looking at its spec.

    Raises:
        InvalidSpec: With every mistake of `sizeup:platform`, each with its line.
    """
    file = read_stack_file(root, stack)
    problems: list[Problem] = []
    platform = _collected(problems, lambda: _platform(file))
    if platform is None:
        raise InvalidSpec(_with_lines(problems, file.document), source=file.source)
    return platform


def spec_from_pulumi_config(config: EngineConfig, *, catalog: Catalog, root: Path) -> Spec:
    """
    The spec out of what the engine hands a program: `pulumi.Config("sizeup")`.

    The engine hands every structured value as JSON text and every other as it is written.

    Raises:
        InvalidSpec: With every mistake.
    """
    texts = {key: config.get(key) for key in SPEC_KEYS}
    settings = {key: _engine_value(text) for key, text in texts.items() if text is not None}
    return _spec(settings, catalog, directory=_folder(root), source="the stack's configuration")


def platform_from_pulumi_config(config: EngineConfig, *, gcp_project: str | None = None) -> Platform:
    """
    The platform settings out of `pulumi.Config("sizeup")`, and the project of `pulumi.Config("gcp")`.

    Raises:
        InvalidSpec: With every mistake.
    """
    text = config.get(PLATFORM)
    written = None if text is None else _engine_value(text)
    source = "the stack's configuration"
    return read_platform(written, gcp_project=gcp_project, source=source, prefix=f"{PREFIX}{PLATFORM}")


def load_plan(root: Path, stack: str) -> SizingPlan:
    """
    The locked plan of a stack.

    Raises:
        StalePlan: If there is none yet.
        DamagedPlan: If its file cannot be read, was cut short, or is of a newer format.
    """
    path = plan_path(root, stack)
    source = f"{STACKS}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StalePlan(source=source, what="does not exist yet", mend=f"sizeup size {stack}") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise DamagedPlan(source=source, what=f"cannot be read: {why}", mend="make it readable text") from None
    return lockfile.loads(text, source=source)


def current_plan(root: Path, stack: str) -> SizingPlan | None:
    """The locked plan of a stack, None where it was never sized; raises for a damaged one as `load_plan` does."""
    return load_plan(root, stack) if plan_path(root, stack).exists() else None


def write_plan(root: Path, stack: str, plan: SizingPlan) -> bool:
    """
    Whether the plan file changed; it is written whole or not at all.

    Raises:
        DamagedPlan: If the file cannot be written.
    """
    path = plan_path(root, stack)
    try:
        return write_whole(path, lockfile.dumps(plan))
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise DamagedPlan(source=f"{STACKS}/{path.name}", what=what, mend="make room, or allow writing there") from None


def check_fresh(plan: SizingPlan, spec: Spec, *, stack: str) -> None:
    """
    Nothing, if *plan* was made for *spec*.

    Raises:
        StalePlan: If the stack asks for something else now.
    """
    source, mend = f"{STACKS}/{stack}{PLAN_SUFFIX}", f"sizeup size {stack}"
    if plan.spec_hash != spec.hash:
        what = f"was made for another spec than {STACKS}/Pulumi.{stack}.yaml holds now"
        raise StalePlan(source=source, what=what, mend=mend)
    strays = [site.region for site in plan.sites if site.region not in spec.regions]
    if plan.cloud not in spec.clouds or strays:
        where = f"{plan.cloud} {(strays or [plan.region])[0]}"
        what = f"is for {where}, which {STACKS}/Pulumi.{stack}.yaml does not allow: edited by hand?"
        raise StalePlan(source=source, what=what, mend=f"{mend} --fresh")


def _folder(root: Path) -> Path:
    return root / STACKS


def _text(root: Path, stack: str, path: Path, source: str) -> str:
    if not _STACK_NAME.fullmatch(stack):
        raise _invalid("stack", f"{stack!r} is no name of a stack", _stacks(root, stack), source="the command")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _invalid("the file", "does not exist", _stacks(root, stack), source=source) from None
    except UnicodeDecodeError:
        raise _invalid("the file", "is no text in UTF-8", "save it as UTF-8", source=source) from None
    except OSError as error:
        raise _invalid("the file", f"cannot be read: {error.strerror}", "make it readable", source=source) from None


def _stacks(root: Path, stack: str) -> str:
    names = stack_names(root)
    otherwise = f"stacks: {', '.join(names)}" if names else "run it in the folder of Pulumi.yaml, or give -C FOLDER"
    return did_you_mean(stack, names, otherwise=otherwise)


def _document(text: str, source: str) -> Document:
    try:
        return read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"is no YAML: {error.problem or error.context}"
        line = None if mark is None else mark.line + 1
        raise _invalid(
            "the file", what, "check indentation, colons and quotes there", source=source, line=line
        ) from None
    except yaml.YAMLError as error:
        raise _invalid("the file", f"is no YAML: {error}", "save it as plain text", source=source) from None
    except RecursionError:
        raise _invalid("the file", "is nested too deeply to be read", "write it flat", source=source) from None


def _invalid(path: str, what: str, mend: str, *, source: str, line: int | None = None) -> InvalidSpec:
    return InvalidSpec((Problem(path=path, what=what, mend=mend, line=line),), source=source)


def _spec(settings: Mapping[str, object], catalog: Catalog, *, directory: Path, source: str) -> Spec:
    spec_settings = {key: value for key, value in settings.items() if key != PLATFORM and key not in SECRETS}
    files = {path: directory / path for path in model_paths(spec_settings)}
    configs = {path: model_config(file) for path, file in files.items() if file.is_file()}
    return read_spec(spec_settings, catalog=catalog, model_configs=configs, source=source, prefix=PREFIX)


def _platform(file: StackFile) -> Platform:
    project = file.config.get(GCP_PROJECT)
    return read_platform(
        file.config.get(f"{PREFIX}{PLATFORM}"),
        gcp_project=project if isinstance(project, str) else None,
        source=file.source,
        prefix=f"{PREFIX}{PLATFORM}",
    )


def _engine_value(text: str) -> object:
    """A value as the engine hands it over: JSON for a list or a mapping, else the text as it is written."""
    if text.startswith(("[", "{")):
        try:
            value: object = json.loads(text)
        except ValueError:
            return text
        return value
    return scalar(text)


def _strange_keys(file: StackFile) -> list[Problem]:
    """Keys that nothing reads, with no namespace or one that is nearly ours, and secrets that are none."""
    problems = []
    for key, value in file.config.items():
        namespace, colon, name = key.partition(":")
        if namespace == NAMESPACE and name in SECRETS and not _is_encrypted(value):
            mend = f"pulumi config set --secret {key}, and change what was written here: it is known now"
            problems.append(Problem(path=key, what="is a secret that is not encrypted", mend=mend))
        elif not colon:
            mend = f"write {PREFIX}{key}"
            problems.append(Problem(path=key, what="has no namespace, and the engine refuses such keys", mend=mend))
        elif namespace != NAMESPACE and nearest(namespace, [NAMESPACE]):
            mend = f"did you mean {PREFIX}{name}?"
            problems.append(Problem(path=key, what=f"is in the namespace {namespace}, which nothing reads", mend=mend))
    return problems


def _is_encrypted(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"} and isinstance(value["secure"], str)


def _collected(problems: list[Problem], read_part: Callable[[], _Part]) -> _Part | None:
    try:
        return read_part()
    except InvalidSpec as error:
        problems += error.problems
        return None


def _with_lines(problems: list[Problem], document: Document) -> tuple[Problem, ...]:
    """The problems with the lines of what they are about, or of the nearest place above it, in order of the file."""
    lines = {path_text(path[1:]): line for path, line in document.lines.items() if path[:1] == ("config",)}
    found = [replace(problem, line=_line(problem.path, lines)) for problem in problems]
    return tuple(sorted(found, key=lambda problem: problem.line or 0))


def _line(path: str, lines: Mapping[str, int]) -> int | None:
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path)


def _below_config(problem: Problem) -> Problem:
    return replace(problem, path=problem.path.removeprefix("config."))
