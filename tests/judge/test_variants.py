"""Settings that no example stack has are judged too."""

from __future__ import annotations

import pytest

from components.graph import Secret
from tests.project import ROOT
from tools.judge.rendering import kinds, recorded
from tools.judge.variants import load_variants, project_of

ADDED = {
    "chat-aws-opened": {"aws_eks_access_entry", "aws_eks_access_policy_association", "Secret"},
    "chat-gcp-opened": {"ClusterRoleBinding", "Secret"},
}


@pytest.mark.parametrize("name", sorted(load_variants()))
def test_a_variant_is_its_stack_and_what_its_settings_add(tmp_path, name: str):
    """The same plan; administrators, callers from outside and a key, which is never known here."""
    variant = load_variants()[name]
    graph, _ = recorded(project_of(variant, root=ROOT, folder=tmp_path / name), variant.of)
    assert kinds(graph) - kinds(recorded(ROOT, variant.of)[0]) == ADDED[name]
    (key,) = (one for one in graph.resources if one.type == "kubernetes:core/v1:Secret")
    assert isinstance(key.inputs["stringData"], Secret)
