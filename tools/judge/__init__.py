"""An independent judge: what the example stacks register, shown to checkov, which knows nothing of us.

    python -m tools.judge

Each stack's recorded graph is written as what checkov reads: a Terraform plan (terraform.py) and Kubernetes manifests
(manifests.py). checkov runs in an environment of its own (`make judge` sets it up), since its pins clash with ours, and
without network. A finding is mended in the components or waived, with a reason, in waivers.json. A check of the
security baseline (baseline.json) that never ran is as bad as one that failed: it would approve of anything.
"""
