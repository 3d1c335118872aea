"""From what a model must do to what to rent: a pure library, usable without Pulumi."""
