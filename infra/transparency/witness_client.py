"""Asks a witness to sign a checkpoint (C2SP tlog-witness, `add-checkpoint`).

A witness signs what continues the tree that it has signed before, and nothing else. With its signature nobody
can be shown another history than everybody else.
"""

import base64
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import NamedTuple

from domain.errors import LiudanError, Transient
from infra.transparency.log_reader import Head
from infra.transparency.signed_note import BadNote, Signature
from infra.transparency.trust_policy import Witness

TIMEOUT_SECONDS = 10.0
_CONFLICT = 409
_MOST_BYTES = 1 << 16
_TRIES = 3

Consistency = Callable[[int, int], Sequence[bytes]]
"""Proves that the tree of the first size is the beginning of that of the second."""


class WitnessAway(Transient):
    """The witness does not answer, or not as the protocol says."""


class WitnessRefuses(LiudanError):
    """The witness will not sign: it does not know the log, or it has seen another history."""


class _Answer(NamedTuple):
    status: int
    body: bytes


class WitnessClient:
    """One witness, and how large a tree it has signed as far as we know."""

    def __init__(self, witness: Witness, consistency: Consistency) -> None:
        self.witness = witness
        self._consistency = consistency
        self._size = 0

    def cosign(self, head: Head) -> Signature:
        """Have a checkpoint signed; raises WitnessAway, WitnessRefuses."""
        for _ in range(_TRIES):
            answer = self._ask(head)
            if answer.status == http.client.OK:
                signature = self._signature(head, answer.body)
                self._size = head.checkpoint.size
                return signature
            if answer.status != _CONFLICT:
                raise WitnessRefuses(f"{self.witness.name} refuses to sign: HTTP status {answer.status}")
            self._size = self._signed_size(head, answer.body)
        raise WitnessAway(f"{self.witness.name} is asked by somebody else, too")

    def _ask(self, head: Head) -> _Answer:
        proof = self._consistency(self._size, head.checkpoint.size)
        lines = [f"old {self._size}", *(base64.b64encode(each).decode() for each in proof), "", ""]
        request = urllib.request.Request(  # noqa: S310 - the policy's reader takes no other scheme
            f"{(self.witness.url or '').rstrip('/')}/add-checkpoint",
            data="\n".join(lines).encode() + bytes(head.note),
            headers={"Content-Type": "text/plain; charset=utf-8"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return _Answer(answer.status, answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, error.read(_MOST_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise WitnessAway(
                f"{self.witness.name} at {self.witness.url} does not answer: {error}"
            ) from error

    def _signature(self, head: Head, body: bytes) -> Signature:
        try:
            lines = body.decode().removesuffix("\n").split("\n")
            signature = head.note.with_signatures(map(Signature.parse, lines)).by(self.witness.key)
        except (UnicodeDecodeError, BadNote) as error:
            raise WitnessAway(f"{self.witness.name} answers with something else: {error}") from None
        if signature is None:
            raise WitnessAway(f"{self.witness.name} has signed with another key than its own")
        return signature

    def _signed_size(self, head: Head, body: bytes) -> int:
        text = body.decode(errors="replace").strip()
        if not text.isdecimal():
            raise WitnessAway(f"{self.witness.name} does not say which tree it has signed")
        if int(text) > head.checkpoint.size:
            raise WitnessRefuses(
                f"{self.witness.name} has signed a tree of {text} entries, "
                f"the log has {head.checkpoint.size}: it was set back"
            )
        return int(text)
