"""Profiles of one's own, held against a recording."""

from argparse import Namespace

from meterpost.agent import check_profile
from meterpost.cli import show, trouble


def check(args: Namespace) -> int:
    """What the profile reads of the recorded device, what it misses, what lies there unread, and its doubtful words."""
    found = check_profile(args.file, args.recording)
    code = 0 if found.fits and not found.doubts else trouble.INCOMPLETE
    if args.json:
        show.as_json(
            {
                "profile": found.name,
                "version": found.version,
                "used": found.used,
                "fits": found.fits,
                "serial": found.reading.serial,
                "model": found.reading.model,
                "read": [{"name": m.name, "value": m.value, "unit": m.unit, "oid": m.oid} for m in found.read],
                "missed": list(found.missed),
                "unread": [{"oid": oid, "value": value} for oid, value in found.unread],
                "doubts": list(found.doubts),
            }
        )
        return code
    out = show.console(args)
    device = f"{found.reading.model or 'a device without a model'}, serial {found.reading.serial or 'unknown'}"
    if found.used == found.name:
        show.prose(out, f"{found.name} {found.version} is the profile for {device}.")
    else:
        show.prose(out, f"{device} is read with the profile {found.used}: no match of {found.name} fits it better.")
    rows = [(meter.name, show.grouped(meter.value), meter.unit, meter.oid) for meter in found.read]
    out.print(show.table("Read", ("Meter", ">Value", "Unit", "=OID"), rows))
    if found.missed:
        show.prose(out, f"Not on this device: {', '.join(found.missed)}.")
    if found.unread:
        unread = [(oid, show.grouped(value)) for oid, value in found.unread]
        out.print(show.table("The largest numbers of makers' trees that no meter is made of", ("=OID", ">Value"), unread))
    for doubt in found.doubts:
        show.prose(out, doubt, "yellow")
    return code
