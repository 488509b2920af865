"""The port in memory: a MIB as a mapping. Stands in for a device in tests and, filled from a recording, everywhere."""

from bisect import bisect_right
from collections.abc import Mapping

from meterpost.devices.snmp.port import Answer, Binding, ErrorStatus, Kind, Request, T, Talk, hold_at_once
from meterpost.recording import Oid, Value


class MemoryAgent:
    """An agent over `mib`, answering as SNMPv2c (RFC 3416) or, with `version` "1", as SNMPv1 (RFC 1157).
    The mapping may change between calls, as a living device's does."""

    def __init__(self, mib: Mapping[Oid, Value], version: str = "2c") -> None:
        self._mib = mib
        self._version = version
        self._names: list[Oid] = []

    @property
    def has_bulk(self) -> bool:
        return self._version != "1"

    async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
        return hold_at_once(talk, self.answer)

    async def close(self) -> None:
        pass

    def answer(self, request: Request) -> Answer:
        """What the agent says; here nobody has to wait for it."""
        if self._mib.keys() != set(self._names):
            self._names = sorted(self._mib)
        if request.kind is Kind.GET:
            return self._whole(request, [(name, self._mib.get(name)) for name in request.names])
        if request.kind is Kind.GET_NEXT:
            return self._whole(request, list(map(self._after, request.names)))
        bindings = list(map(self._after, request.names[: request.non_repeaters]))
        row = list(request.names[request.non_repeaters :])
        for _ in range(request.repetitions if row else 0):
            found = list(map(self._after, row))
            bindings += found
            if all(value is None for _, value in found):
                break
            row = [name for name, _ in found]
        return Answer(tuple(bindings))

    def _after(self, name: Oid) -> Binding:
        place = bisect_right(self._names, name)
        return (self._names[place], self._mib[self._names[place]]) if place < len(self._names) else (name, None)

    def _whole(self, request: Request, bindings: list[Binding]) -> Answer:
        if self._version == "1":
            missing = next((place for place, (_, value) in enumerate(bindings, 1) if value is None), 0)
            if missing:
                return Answer(tuple((name, None) for name in request.names), ErrorStatus.NO_SUCH_NAME, missing)
        return Answer(tuple(bindings))
