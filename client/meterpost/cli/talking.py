"""Talking to the server: once, unattended, or not at all."""

import signal
from argparse import Namespace

from meterpost.cli import opening, reports, show, trouble
from meterpost.lifecycle.state import ProxyState


def sync(args: Namespace) -> int:
    """One round with the server."""
    with opening.agent(args) as agent:
        site = agent.status().site
        code = reports.finish(args, agent.sync())
        if not site.paused and site.proxy.state is not ProxyState.NEW:
            return code
        if not args.json:
            paused = "Communication is off; 'meterpost resume' turns it on."
            show.console(args).print(paused if site.paused else "This client is not registered yet; see 'meterpost enrol'.")
        return trouble.INCOMPLETE


def run(args: Namespace) -> int:
    """Works until SIGTERM or SIGINT; what is under way is finished first."""
    from meterpost.agent.schedule import Unattended

    with opening.stopping(signal.SIGTERM, signal.SIGINT) as stop:
        Unattended(lambda: opening.agent(args)).run(stop)
    return 0


def pause(args: Namespace) -> int:
    return _switch(args, paused=True)


def resume(args: Namespace) -> int:
    return _switch(args, paused=False)


def _switch(args: Namespace, paused: bool) -> int:
    with opening.agent(args) as agent:
        if paused:
            agent.pause()
        else:
            agent.resume()
    if args.json:
        show.as_json({"paused": paused})
    else:
        show.console(args).print("Communication is off: nothing is sent." if paused else "Communication is on.")
    return 0
