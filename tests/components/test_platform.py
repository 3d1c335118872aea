"""Platform settings: the stack's own come first, then pins with a source; nothing is invented."""

from __future__ import annotations

import pytest

from components.platform import MissingSetting, Platform
from components.versions import packaged_pins
from sizing.catalog.machine import Cloud


def test_a_cluster_gets_the_pinned_kubernetes_version_of_its_cloud() -> None:
    """EKS takes a minor version; GKE a full one, of which the minor counts for what depends on it."""
    platform = Platform()
    assert platform.kubernetes(Cloud.AWS) == "1.35"
    assert platform.kubernetes(Cloud.GCP) == "1.35.7-gke.1222000"
    assert platform.kubernetes_minor(Cloud.GCP) == "1.35"


def test_an_add_on_gets_the_build_for_its_kubernetes_version() -> None:
    """The EKS user guide lists another CoreDNS build for 1.34 than for 1.35."""
    assert Platform().version("eks.addon.coredns", kubernetes="1.34") == "1.13.2-eksbuild.11"
    assert Platform().version("eks.addon.coredns", kubernetes="1.35") == "1.14.3-eksbuild.3"


def test_the_version_of_the_stack_comes_before_the_pin() -> None:
    """With or without the v that EKS writes in front."""
    platform = Platform(versions={"eks.addon.coredns": "v1.14.4-eksbuild.1"})
    assert platform.version("eks.addon.coredns", kubernetes="1.35") == "1.14.4-eksbuild.1"
    assert platform.pin("eks.addon.coredns", kubernetes="1.35") is None


def test_an_image_follows_the_version_that_the_stack_sets() -> None:
    assert Platform().image("vllm") == "vllm/vllm-openai:v0.27.1"
    assert Platform(versions={"vllm": "0.26.0"}).image("vllm") == "vllm/vllm-openai:v0.26.0"
    assert Platform(images={"vllm": "registry.example.com/vllm:7"}).image("vllm") == "registry.example.com/vllm:7"


def test_all_versions_that_no_source_tells_are_named_at_once() -> None:
    """No vpc-cni build for Kubernetes 1.36 was found, nor any current build of the pod identity agent."""
    with pytest.raises(MissingSetting) as error:
        Platform().required("eks.addon.pod-identity-agent", "eks.addon.vpc-cni", "eks.addon.coredns", kubernetes="1.36")
    assert list(error.value.missing) == [
        "sizeup:platform.versions.eks.addon.pod-identity-agent",
        "sizeup:platform.versions.eks.addon.vpc-cni",
    ]
    assert "hint: " in str(error.value)


def test_a_stack_on_google_cloud_needs_its_project() -> None:
    assert Platform(gcp_project="acme-prod").project() == "acme-prod"
    with pytest.raises(MissingSetting, match="gcp:project: is required"):
        Platform().project()


def test_every_pin_has_source_and_date_and_stands_once() -> None:
    pins = packaged_pins().pins
    assert all(pin.source and pin.as_of for pin in pins)
    assert len({(pin.component, pin.kubernetes) for pin in pins}) == len(pins)
    assert not {pin.component for pin in pins} & {row.component for row in packaged_pins().unpinned}


def test_the_version_of_every_pinned_image_is_in_its_tag() -> None:
    """Setting another version changes the tag, so the pinned one must be in it."""
    assert all(pin.version in pin.image for pin in packaged_pins().pins if pin.image)
