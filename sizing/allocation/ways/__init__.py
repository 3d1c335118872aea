"""The ways to run a workload on a machine: layouts that keep what is asked, host, storage, links."""
