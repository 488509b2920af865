"""One verb's turn with the store."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from meterpost.agent.rooms import Rooms
from meterpost.agent.work import Work
from meterpost.lifecycle.state import SiteState


class Turns(Rooms):
    """The rooms, taken one verb at a time."""

    @contextmanager
    def _work(self, who: str) -> Iterator[Work]:
        """One verb's turn with the store: locked, loaded, and saved at every step."""
        with self.ledger.writer(who):
            yield Work(self._site(), self.ledger, self._clock, lambda: self.exchanges, lambda: self.devices, lambda: self.keys)
            if self._memory is not None:
                self._memory.save(self._clock())

    def _site(self) -> SiteState:
        """The site as kept; a new one gets its client id, which it keeps for life."""
        site = self.ledger.load_site()
        if site is None:
            site = new_site()
            self.ledger.save_site(site)
        return site


def new_site() -> SiteState:
    """A site nobody knows yet."""
    return SiteState(client=str(uuid.uuid4()))
