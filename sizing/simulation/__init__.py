"""A replica under given requests, simulated pass by pass: the check of the closed forms, and what `whatif` replays."""

from sizing.simulation.arrivals import requests_of, split
from sizing.simulation.batching import simulate
from sizing.simulation.outcome import Outcome, gap_percentile, goodput_share, mean, percentile, steady, together
from sizing.simulation.request import Request, Served
from sizing.simulation.server import Server, server_of

__all__ = [
    "Outcome",
    "Request",
    "Served",
    "Server",
    "gap_percentile",
    "goodput_share",
    "mean",
    "percentile",
    "requests_of",
    "server_of",
    "simulate",
    "split",
    "steady",
    "together",
]
