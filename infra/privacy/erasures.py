"""Carry out what the events say: whoever's PersonalDataErased stands in the store has no key any more.

A command destroys the key right after its event is stored. What a crash between the two has left, and what a
vault from a backup brings back, is found here: the vault remembers up to where it has looked, so that an
older vault looks further back. Beside a store that is shorter than that it looks from the beginning.
"""

import threading

from domain.cloudevent import decode
from domain.events import PersonalDataErased
from infra.event_store.port import EventStore
from infra.vault import Vault

TOPIC = f"liudan.ticket.{PersonalDataErased.TYPE}.v1"
_PAGE = 500


class Erasures:
    """Follows the erasures in an event store."""

    def __init__(self, store: EventStore, vault: Vault) -> None:
        self._store, self._vault = store, vault

    def carry_out(self, stop: threading.Event | None = None) -> int:
        """Destroy the keys of all that was erased since the last look; give how many events that were.

        Raises StoreUnavailable; what was done is remembered page by page.
        """
        after, end, count = self._vault.erased_up_to(), self._store.last_position(), 0
        if after > end:
            after = 0
        while after < end and not (stop and stop.is_set()):
            page = self._store.read(after, _PAGE, (TOPIC,))
            for item in page:
                payload = decode(item.state).payload
                assert isinstance(payload, PersonalDataErased)  # noqa: S101 - narrows what the topic says
                self._vault.destroy(payload.person)
            count += len(page)
            after = page[-1].id if len(page) == _PAGE else max(end, page[-1].id if page else 0)
            self._vault.set_erased_up_to(after)
        return count
