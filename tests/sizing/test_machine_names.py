"""The catalog's AWS machine types against EC2's own list, as botocore carries it."""

import botocore.loaders

from sizing.catalog import Cloud, catalog


def test_every_aws_machine_is_a_type_that_ec2_knows():
    """A name that EC2 does not know would fail at the first `pulumi up`."""
    model = botocore.loaders.Loader().load_service_model("ec2", "service-2")
    known = set(model["shapes"]["InstanceType"]["enum"])
    assert len(known) > 1000
    ours = {machine.name for machine in catalog().machines if machine.cloud is Cloud.AWS}
    assert ours - known == set()
