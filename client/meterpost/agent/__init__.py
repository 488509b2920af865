"""The only place where the rooms meet. People's rooms import this one."""

from meterpost.agent.agent import ENROLLED, Agent, open_agent, wall_clock
from meterpost.agent.reports import Connection, Preview, ReadReport, Status, SyncReport
from meterpost.devices import Progress, ScanPlan

__all__ = [
    "ENROLLED",
    "Agent",
    "Connection",
    "Preview",
    "Progress",
    "ReadReport",
    "ScanPlan",
    "Status",
    "SyncReport",
    "open_agent",
    "wall_clock",
]
