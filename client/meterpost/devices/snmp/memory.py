"""The port in memory: a MIB as a mapping. Stands in for a device in tests and, filled from a recording, everywhere."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from meterpost.devices.snmp.port import Answer, Binding, ErrorStatus
from meterpost.recording import Oid, Value


class MemoryAgent:
    """An agent over `mib`, answering as SNMPv2c (RFC 3416) or, with `version` "1", as SNMPv1 (RFC 1157).
    The mapping may change between calls, as a living device's does."""

    def __init__(self, mib: Mapping[Oid, Value], version: str = "2c") -> None:
        self._mib = mib
        self._version = version

    @property
    def has_bulk(self) -> bool:
        return self._version != "1"

    async def get(self, oids: Sequence[Oid]) -> Answer:
        return self._answer(oids, [(oid, self._mib.get(oid)) for oid in oids])

    async def get_next(self, oids: Sequence[Oid]) -> Answer:
        names = sorted(self._mib)
        return self._answer(oids, [self._after(names, oid) for oid in oids])

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
        names = sorted(self._mib)
        bindings: list[Binding] = []
        row = list(oids)
        for _ in range(repetitions):
            found = [self._after(names, oid) for oid in row]
            bindings += found
            row = [oid for oid, _ in found]
        return Answer(tuple(bindings))

    async def close(self) -> None:
        pass

    def _after(self, names: list[Oid], oid: Oid) -> Binding:
        place = bisect_right(names, oid)
        return (names[place], self._mib[names[place]]) if place < len(names) else (oid, None)

    def _answer(self, oids: Sequence[Oid], bindings: list[Binding]) -> Answer:
        if self._version == "1":
            missing = next((place for place, (_, value) in enumerate(bindings, 1) if value is None), 0)
            if missing:
                return Answer(tuple((oid, None) for oid in oids), ErrorStatus.NO_SUCH_NAME, missing)
        return Answer(tuple(bindings))
