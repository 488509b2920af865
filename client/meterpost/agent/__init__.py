"""The only place where the rooms meet. People's rooms import this one."""

import logging

from meterpost.agent.agent import Agent, check_profile, open_agent
from meterpost.agent.printers import ENROLLED
from meterpost.agent.reports import Connection, Preview, ReadReport, Status, SyncReport
from meterpost.agent.rooms import wall_clock
from meterpost.agent.trusted import Use, Voucher
from meterpost.devices import Candidate, Progress, ScanPlan, Segment, Summary
from meterpost.wsse import CHOICES as POLICIES
from meterpost.wsse import Policy

logging.getLogger("meterpost").addHandler(logging.NullHandler())  # silent, unless somebody wants to listen

__all__ = [
    "ENROLLED",
    "POLICIES",
    "Agent",
    "Candidate",
    "Connection",
    "Policy",
    "Preview",
    "Progress",
    "ReadReport",
    "ScanPlan",
    "Segment",
    "Status",
    "Summary",
    "SyncReport",
    "Use",
    "Voucher",
    "check_profile",
    "open_agent",
    "wall_clock",
]
