"""What a spec may buy: pools, quotas, commitments, hours, and what stands beside machines."""
