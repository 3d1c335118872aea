"""What to buy so that all demands are carried, in whole numbers: an integer problem, strategies for it, and a check."""

from sizing.optimiser.strategy import Effort, Strategy, solve

__all__ = ["Effort", "Strategy", "solve"]
