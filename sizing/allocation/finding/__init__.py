"""From a spec to a whole-number problem, and its answer."""
