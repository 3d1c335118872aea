"""
The Pulumi policy pack: the rules of `components.rules` and a monthly cost cap, before any `pulumi preview` or `up`.

Runs in an environment of its own (`.venv-policy`, locked in `requirements.txt` here): `pulumi_policy` wants another
protobuf than the optimiser does, so nothing here may need ortools, or a provider's SDK.
"""
