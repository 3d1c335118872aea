"""Why this plan: what lost, what a limit is worth, how far it holds, what else could be had."""
