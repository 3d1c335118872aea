"""One module a command: reads the files it needs, calls the libraries, renders, and tells the exit status."""

FACTS = ("accelerators", "machines", "offers", "storage", "charges", "models", "quotas")  # what `facts list` can list
FAULTS = (  # what `sizeup rehearse` can play
    "no-capacity",
    "quota-exceeded",
    "quota-zero",
    "throttled",
    "throttled-briefly",
    "crash",
    "partial",
)
FRONTS = (  # what `sizeup whatif --front` sets cost against
    "ttft_p95_s",
    "tpot_p95_s",
    "e2e_p95_s",
    "spot_share",
    "confidence",
    "changes",
)
EFFORTS = ("low", "normal", "high")  # as sizing.optimiser.Effort, which takes half a second to import
STRATEGIES = ("auto", "exact", "columns", "greedy", "exhaustive", "relaxation", "covering", "melange")
