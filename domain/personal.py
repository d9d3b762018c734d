"""What says who somebody is. It is never part of an event in the clear."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Personal(BaseModel):
    """Name, contact, exact address and free words, before they are sealed. Absent: not given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    contact: str | None = None
    address: str | None = None
    words: str | None = None
    reason: str | None = None
    """A resident's; an officer's stands in the event itself."""


SEALED_REASON = "sealed"
"""What stands in an event for a resident's reason."""


class Sealed(BaseModel):
    """A `Personal`, encrypted with the key of one person; the key lives in the vault, not here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: UUID
    box: str
    """Base64 of nonce, AES-256-GCM ciphertext and tag; the ticket number is authenticated with it."""
