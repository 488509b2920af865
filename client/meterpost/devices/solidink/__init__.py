"""Xerox solid-ink printers (Phaser 8500, 8510MFP, 8550, 8560, 8860 and their MFPs) over HTTP: what their web server says
and their SNMP agent does not. Read-only, a few GETs. The structure of the pages is the documented one (see solidink.toml);
it was not verified on a device.
"""

from meterpost.devices.solidink.enriching import enrich
from meterpost.devices.solidink.rules import pages
from meterpost.devices.solidink.visiting import read_solid_ink, visit

__all__ = ["enrich", "pages", "read_solid_ink", "visit"]
