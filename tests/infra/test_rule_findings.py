"""A program that breaks a rule, as its preview tells it: where, why it stops, and what is waived."""

import json
from pathlib import Path

import pytest

from tests.project import project_copy, sizeup


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one word changed: its machines' metadata service answers unsigned requests too."""
    project = project_copy(tmp_path_factory.mktemp("careless"))
    source = project / "components" / "aws" / "node_pool.py"
    written = source.read_text(encoding="utf-8")
    assert written.count('http_tokens="required"') == 1
    source.write_text(written.replace('http_tokens="required"', 'http_tokens="optional"'), encoding="utf-8")
    return project


def test_a_broken_rule_ends_the_preview_with_status_1(careless: Path):
    """Each place with its source line, and the mend once."""
    told = sizeup("preview", "small-aws", root=careless)
    assert told.status == 1
    words = " ".join(told.out.split())
    assert "! imds-v2 g6e-2xlarge-use1-az1-template.metadataOptions.httpTokens: is optional, not required" in words
    assert "(components/aws/node_pool.py:" in words
    assert words.count('hint: set http_tokens="required"') == 1


def test_programs_read_the_same_with_reasons_and_waivers(careless: Path):
    """The rules of the JSON: what stands, and what is waived with its reason."""
    rules = json.loads(sizeup("preview", "small-aws", "--json", root=careless).out)["rules"]
    broken = [one for one in rules if one["rule"] == "imds-v2"]
    assert len(broken) == 5  # one for each node group: three of the system, on demand, spot
    assert {(one["severity"], one["waived"]) for one in broken} == {("error", "")}
    assert all(one["why"] and one["mend"] and one["origin"] for one in broken)
    (waived,) = (one for one in rules if one["rule"] == "spot-fallback")
    assert "sized and priced" in waived["waived"]
