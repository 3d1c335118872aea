"""Every key of a stack's account and times, as it is written in a stack file: read alike by all who read it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from infra.recorder.config import engine_config
from infra.schema import stack_schema
from infra.stack import load_spec, load_stack, read_stack_file, spec_from_pulumi_config
from sizing.catalog import catalog
from sizing.errors import InvalidSpec
from tests.project import ROOT

STACK = """\
config:
  sizeup:cloud: aws
  sizeup:regions: [us-east-1, us-west-2]
  sizeup:workloads:
    - name: chat
      kind: serving
      model: meta-llama/Llama-3.3-70B-Instruct
      traffic: {requests_per_s: 12, input_tokens: 1800, output_tokens: 320}
      objectives: {ttft_p95_s: 0.8}
"""
HASHES = {  # of the example stacks, as of 433c985 (2026-11-21), before there were these keys
    "chat-aws": "c63200c526a00dec74dac4904564a35b6b4bff058b644c9268e5e43c6b7baba2",
    "chat-gcp": "06f5905c1527673eb151d3dacb91737ff1ba6a6851a4cbf6d5fd333f5c3c7d8f",
    "small-aws": "f6014c3d7f37cf6997d558305009e8f50d92e52a86ddd7cf6608093f77ebaf1f",
    "tpu-gcp": "aefcdf54dbfc87e3065fd1aa9ade054586c48f817418fd39b5f03d25baaf511b",
}
OF_THE_STACK = {
    "quotas": """
    - {region: us-east-1, quota: L-417A185B, limit: 384}
    - {region: us-east-1, quota: All P5 Spot Instance Requests, limit: 192}
""",
    "reservations": """
    - {name: cr-0123456789abcdef0, machine: p5.48xlarge, zone: use1-az4, machines: 4}
    - {name: cr-0123456789abcdef1, machine: p5.48xlarge, zone: use1-az6, machines: 1, usd_per_hour: 55.04}
""",
    "capacity_blocks": """
    - name: cr-0123456789abcdef2
      machine: p5.48xlarge
      zone: use1-az4
      machines: 2
      from: 2026-12-01
      until: 2026-12-08
      upfront_usd: 10571.90
""",
    "commitments": """
    terms: [1y, 3y]
    owned: [{machine: p5.48xlarge, region: us-east-1, machines: 2, term: 3y}]
""",
    "teams": """
    - {name: search, accelerators: 16, budget_usd_per_month: 30000}
    - {name: research}
""",
    "payback_days": " 14\n",
    "objective": " cost_per_token\n",
}
OF_A_WORKLOAD = {
    "regions": "      regions: [us-west-2]\n",
    "priority": "      priority: 5\n",
    "needed": "      needed: {from: 2026-12-01, until: 2026-12-08}\n",
    "allow.purchase": "      allow: {purchase: [on_demand]}\n",
}
INSIDE = {
    "objectives.ready_s": ("ttft_p95_s: 0.8", "ttft_p95_s: 0.8, ready_s: 300"),
    "traffic.day": (
        "output_tokens: 320",
        "output_tokens: 320, day: [{from_h: 0, until_h: 8, share: 0.3}, {from_h: 8, until_h: 24, share: 1}]",
    ),
}
FRAGMENTS = {
    **{key: STACK + f"  sizeup:{key}:{text}" for key, text in OF_THE_STACK.items()},
    **{key: STACK + text for key, text in OF_A_WORKLOAD.items()},
    **{key: STACK.replace(*pair) for key, pair in INSIDE.items()},
    "team": STACK + "      team: search\n  sizeup:teams: [{name: search}]\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with room for a stack."""
    (tmp_path / "stacks").mkdir()
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "stacks/Pulumi.chat.yaml").write_text(text)


class Engine(dict[str, str]):
    """The configuration of a run as `pulumi.Config("sizeup")` gives it: one text for each key."""


@pytest.mark.parametrize("key", FRAGMENTS)
def test_each_key_is_read_alike_from_the_file_and_from_the_engine(key: str, root: Path) -> None:
    """The preview reads YAML, the program the engine's JSON: one spec, one hash, and another one than without."""
    write(root, STACK)
    plain = load_spec(root, "chat", catalog())
    write(root, FRAGMENTS[key])
    spec = load_stack(root, "chat", catalog()).spec
    config = engine_config(project="sizeup", stack_config=read_stack_file(root, "chat").config)
    assert spec_from_pulumi_config(Engine(config.of_package("sizeup")), catalog=catalog(), root=root) == spec
    assert spec.hash != plain.hash


@pytest.mark.parametrize("key", ["capacity_blocks", "needed"])
def test_a_day_that_go_takes_for_a_time_is_the_same_day(key: str, root: Path) -> None:
    """YAML 1.1 knows timestamps: the engine's reader may hand 2026-12-01 over as midnight of it, in JSON."""
    write(root, FRAGMENTS[key])
    config = engine_config(project="sizeup", stack_config=read_stack_file(root, "chat").config)
    texts = config.of_package("sizeup")
    go = {name: text.replace('2026-12-01"', '2026-12-01T00:00:00Z"') for name, text in texts.items()}
    assert go != dict(texts)
    assert spec_from_pulumi_config(Engine(go), catalog=catalog(), root=root) == load_spec(root, "chat", catalog())


@pytest.mark.parametrize("key", FRAGMENTS)
def test_the_schema_for_editors_takes_each_key(key: str) -> None:
    """An editor sees days as text."""
    document = json.loads(json.dumps(yaml.safe_load(FRAGMENTS[key]), default=str))
    validator = jsonschema.Draft202012Validator(stack_schema())
    assert list(validator.iter_errors(document)) == []


@pytest.mark.parametrize(("stack", "before"), HASHES.items())
def test_a_stack_that_uses_no_such_key_asks_what_it_asked_before(stack: str, before: str) -> None:
    """So plans that were locked before the keys are not stale."""
    assert load_spec(ROOT, stack, catalog()).hash == before


def test_mistakes_have_the_lines_of_what_they_are_about(root: Path) -> None:
    """Also within lists of mappings, and where two keys of one mapping do not agree."""
    text = FRAGMENTS["capacity_blocks"].replace("until: 2026-12-08", "until: 2026-11-08")
    write(root, text.replace("machine: p5.48xlarge", "machine: p5.84xlarge"))
    lines = text.splitlines()
    machine = next(i for i, line in enumerate(lines, 1) if "machine: p5" in line)
    with pytest.raises(InvalidSpec) as error:
        load_stack(root, "chat", catalog())
    assert [(problem.line, problem.path) for problem in error.value.problems] == [
        (machine, "sizeup:capacity_blocks[0].machine"),
    ]
    write(root, text)
    with pytest.raises(InvalidSpec, match="ends on 2026-11-08, before it starts") as error:
        load_stack(root, "chat", catalog())
    assert error.value.problems[0].line == machine - 1  # the block's first line, with its name
