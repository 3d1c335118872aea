"""The type checker reads those parts of the provider packages that the code uses: what it skips, it does not check."""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROVIDERS = ("pulumi_aws", "pulumi_gcp", "pulumi_kubernetes")
OVERRIDES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
READ = {module for one in OVERRIDES if one.get("follow_imports") == "silent" for module in one["module"]}


def packages_used(source: str) -> set[str]:
    """The providers' packages that *source* imports, or reaches through one that it imports: `aws.ec2.Vpc`."""
    tree = ast.parse(source)
    names = dict(imported(tree))
    reached = {dotted(node, names) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in {*names.values(), *reached} if is_package(name)}


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that imports bind, and what each of them is in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield f"from {node.module}", node.module
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """A chain of attributes in full, empty where it does not begin at an import."""
    match node:
        case ast.Name():
            return names.get(node.id, "")
        case ast.Attribute():
            before = dotted(node.value, names)
            return f"{before}.{node.attr}" if before else ""
        case _:
            return ""


def is_package(name: str) -> bool:
    """Whether a provider has a package of that name; the names inside one are missed by the checker itself."""
    provider, *parts = name.split(".")
    spec = importlib.util.find_spec(provider) if provider in PROVIDERS else None
    return spec is not None and spec.origin is not None and Path(spec.origin).parent.joinpath(*parts).is_dir()


def is_read(package: str) -> bool:
    """Whether the list names *package*; `a.b.*` names a.b and all that is in it."""
    return package in READ or any(f"{package}.".startswith(name.removesuffix("*")) for name in READ if "*" in name)


@pytest.mark.parametrize("folder", ["components", "infra", "tests"])
def test_every_part_of_a_provider_that_is_used_is_type_checked(folder):
    """A package that the list in pyproject.toml lacks would be Any, and every mistake with it would pass."""
    used = {name for path in sorted((ROOT / folder).rglob("*.py")) for name in packages_used(path.read_text())}
    assert used
    assert {name for name in used if not is_read(name)} == set()


def test_packages_are_found_however_they_are_imported():
    """By name, under another name, from their parent, and as an attribute."""
    source = (
        "import pulumi_aws as aws\nfrom pulumi_gcp import compute\nfrom pulumi_kubernetes.core import v1\naws.s3.Bucket"
    )
    assert packages_used(source) == {
        "pulumi_aws",
        "pulumi_aws.s3",
        "pulumi_gcp",
        "pulumi_gcp.compute",
        "pulumi_kubernetes.core",
        "pulumi_kubernetes.core.v1",
    }
    assert not is_read("pulumi_aws.rds")
    assert not is_read("pulumi_aws.ec2transitgateway")
