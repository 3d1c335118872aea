"""
AWS resources: network, EKS, node pools, model bucket, pod identity.

Nothing is imported here, so that the tables in it (images, EFA interfaces) can be read without the provider's SDK.
"""
