"""A simulated company behind a real HTTP Events API.

`simulate(Plan())` gives a `Simulation`: its `arrivals` (each an `Arrival`), `attacks` (each an
`Attack`), `people`, `networks`, `vaults` and `trips`. `write` puts it into a folder; `serve`
puts the Events API in front of it, a `Server` with a `url` and a `token`, and with the faults
that `parse_faults` reads into a `FaultPlan` (`FaultError` says what it could not read).
"""

from detector.simulator.arrivals import Arrival
from detector.simulator.attacks.labels import TIERS, Attack
from detector.simulator.company import Plan
from detector.simulator.faults import FAULTS, FaultError, FaultPlan, parse_faults
from detector.simulator.files import write
from detector.simulator.server import Server, serve
from detector.simulator.simulation import Simulation, simulate

__all__ = [
    "FAULTS",
    "TIERS",
    "Arrival",
    "Attack",
    "FaultError",
    "FaultPlan",
    "Plan",
    "Server",
    "Simulation",
    "parse_faults",
    "serve",
    "simulate",
    "write",
]
