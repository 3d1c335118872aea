"""Google Cloud resources: network, GKE, GPU and TPU node pools, model bucket, identities."""
