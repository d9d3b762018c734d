"""Between what is personal in the clear and what stands sealed in an event."""

import base64
import binascii
from uuid import UUID

import orjson
from pydantic import ValidationError

from domain.numbers import TicketNumber
from domain.personal import Personal, Sealed
from domain.trusted import trusted
from infra.vault import SealBroken, Vault

_SEALED = trusted(Sealed)


class Sealing:
    """Seals for one person on one ticket; what is moved to another ticket or person does not open."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def seal(self, personal: Personal, person: UUID, number: TicketNumber) -> Sealed:
        """Seal, after the person's key is durable. Raises KeyErased, StoreUnavailable."""
        plain = orjson.dumps({name: text for name, text in vars(personal).items() if text is not None})
        context = number.encode()
        box = self._vault.seal_if_at_hand(person, plain, context)
        if box is None:
            await self._vault.ensure_async(person)
            box = self._vault.seal(person, plain, context)
        return _SEALED(person=person, box=binascii.b2a_base64(box, newline=False).decode())

    def open(self, sealed: Sealed, number: TicketNumber) -> Personal:
        """Give back what was sealed. Raises KeyErased, NotFound, SealBroken, StoreUnavailable; blocks."""
        try:
            box = base64.b64decode(sealed.box, validate=True)
            return Personal.model_validate_json(self._vault.open(sealed.person, box, number.encode()))
        except (binascii.Error, ValidationError) as error:
            raise SealBroken(f"what was sealed on ticket {number} is not what was sealed") from error
