"""
Google Cloud resources: network, GKE, GPU and TPU node pools, model bucket, identities.

Nothing is imported here: the tables (`machines`, `slices`) are read by rules too, which run where no provider's SDK is.
"""
