"""Nodes start from the image that fits processor and accelerator."""

from __future__ import annotations

import pytest
from pulumi_aws.ec2 import InstanceType

from components.aws.ami import ami_type, arch_of
from sizing.catalog import catalog
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.machine import Cloud
from sizing.errors import UnknownFact

AWS_MACHINES = tuple(machine for machine in catalog().machines if machine.cloud is Cloud.AWS)


@pytest.mark.parametrize("machine", AWS_MACHINES, ids=lambda machine: machine.name)
def test_the_name_of_every_machine_tells_its_instruction_set(machine):
    """Held against what EC2 says of each machine in the catalog."""
    assert arch_of(machine.name).value == machine.arch


@pytest.mark.parametrize(
    ("machine", "kind", "expected"),
    [
        ("p5.48xlarge", AcceleratorKind.GPU, "AL2023_x86_64_NVIDIA"),
        ("g5g.16xlarge", AcceleratorKind.GPU, "AL2023_ARM_64_NVIDIA"),
        ("inf2.48xlarge", AcceleratorKind.NEURON, "AL2023_x86_64_NEURON"),
        ("m7i.large", None, "AL2023_x86_64_STANDARD"),
        ("m8g.xlarge", None, "AL2023_ARM_64_STANDARD"),
    ],
)
def test_the_image_follows_from_processor_and_accelerator(machine, kind, expected):
    """Names as EKS lists them."""
    assert ami_type(machine, kind) == expected


def test_an_accelerator_that_aws_does_not_rent_has_no_image():
    """There is no TPU on AWS."""
    with pytest.raises(UnknownFact, match="machine image"):
        ami_type("m7i.large", AcceleratorKind.TPU)


# Capacity Block UltraServers are bought as a whole, not launched by type.
NOT_LAUNCHED_BY_TYPE = {"u-p6e-gb200x36", "u-p6e-gb200x72"}


@pytest.mark.parametrize("machine", AWS_MACHINES, ids=lambda machine: machine.name)
def test_the_provider_knows_every_machine_of_the_catalog(machine):
    """Mocks take any string; the provider's own list does not."""
    known = {one.value for one in InstanceType}
    assert machine.name in known | NOT_LAUNCHED_BY_TYPE
