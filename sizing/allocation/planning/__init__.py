"""From an answer to a plan that is checked: deployments, promises, costs, moves."""
