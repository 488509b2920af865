"""Where printers may be, before anything is scanned: what each source names, and why."""

from argparse import Namespace

from meterpost.agent import Candidate, Segment
from meterpost.cli import opening, show, trouble
from meterpost.errors import MeterpostError

_USUAL = ("subnets", "gateway")


def segments(args: Namespace) -> int:
    """Segments and devices by source. A source that fails costs only itself."""
    agent, _ = opening.looking(args)
    found: list[Segment | Candidate] = []
    failures: list[MeterpostError] = []
    with agent:
        for word in args.words or _USUAL:
            try:
                found += agent.places(word)
            except MeterpostError as error:
                failures.append(error)
    if args.json:
        show.as_json([_as_json(each) for each in found])
    elif found:
        columns = ("=Target", "Named by", ">Hosts seen", "What is known")
        show.console(args).print(show.table("Where printers may be", columns, map(_row, found)))
    for failure in failures:
        trouble.tell(failure, args.json)
    if failures:
        return trouble.INCOMPLETE if found else failures[0].exit_code
    return 0


def _row(each: Segment | Candidate) -> tuple[show.Cell, ...]:
    known = (
        each.hint if isinstance(each, Candidate) else each.via,
        f"not scanned{'' if isinstance(each, Candidate) else ' unless named'}: {each.unfit}" if each.unfit else "",
    )
    seen = None if isinstance(each, Candidate) else each.hosts_seen or None
    return each.target, each.source, seen, "; ".join(filter(None, known))


def _as_json(each: Segment | Candidate) -> dict[str, object]:
    if isinstance(each, Candidate):
        return {"target": each.target, "source": each.source, "hint": each.hint, "unfit": each.unfit}
    return {
        "target": each.target,
        "source": each.source,
        "via": each.via,
        "hosts_seen": each.hosts_seen,
        "unfit": each.unfit,
    }
