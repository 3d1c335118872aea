"""How far a prediction may be off, and how likely a limit is kept."""
