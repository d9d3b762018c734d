"""Between what is personal in the clear and what stands sealed in an event."""

import base64
import binascii
from uuid import UUID

import orjson
from pydantic import ValidationError

from domain.numbers import TicketNumber
from domain.personal import Personal, Sealed
from infra.vault import SealBroken, Vault


class Sealing:
    """Seals for one person on one ticket; what is moved to another ticket or person does not open."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def seal(self, personal: Personal, person: UUID, number: TicketNumber) -> Sealed:
        """Seal, after the person's key is durable. Raises KeyErased, StoreUnavailable."""
        await self._vault.ensure_async(person)
        plain = orjson.dumps(personal.model_dump(exclude_none=True))
        box = self._vault.seal(person, plain, number.encode())
        return Sealed(person=person, box=base64.b64encode(box).decode())

    def open(self, sealed: Sealed, number: TicketNumber) -> Personal:
        """Give back what was sealed. Raises KeyErased, NotFound, SealBroken, StoreUnavailable; blocks."""
        try:
            box = base64.b64decode(sealed.box, validate=True)
            return Personal.model_validate_json(self._vault.open(sealed.person, box, number.encode()))
        except (binascii.Error, ValidationError) as error:
            raise SealBroken(f"what was sealed on ticket {number} is not what was sealed") from error
