"""Has the log's checkpoints signed by witnesses, beside the writing of it: nobody waits for a witness."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import structlog

from domain.errors import LiudanError, Transient
from infra.transparency.durable_files import replace_durably
from infra.transparency.log_reader import Head, LogReader
from infra.transparency.signed_note import Signature
from infra.transparency.trust_policy import TrustPolicy
from infra.transparency.witness_client import WitnessClient

ROUND_SECONDS = 1.0
"""The least time between two rounds."""
REPEAT_SECONDS = 3600.0
"""A checkpoint that stays the newest is signed again, so that its witnesses' times stay fresh."""

log = structlog.get_logger(__name__)


class Cosigner:
    """Asks a policy's witnesses about every newest checkpoint; publishes when the quorum is met."""

    def __init__(self, reader: LogReader, policy: TrustPolicy) -> None:
        self._reader, self._policy = reader, policy
        self._clients = [
            WitnessClient(witness, reader.consistency)
            for witness in policy.witnesses.values()
            if witness.url is not None
        ]
        self._asked: tuple[int, float] = (-1, float("-inf"))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Ask while the block runs, on a thread."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="cosigner", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def round(self) -> bool:
        """Have the newest checkpoint signed; tells whether enough have."""
        head = self._reader.head()
        signatures = self._ask(head)
        note = head.note.with_signatures(signatures)
        cosigners = self._policy.cosigners(note)
        met = bool(signatures) and self._policy.is_met_by(cosigners)
        if met:
            replace_durably(self._reader.folder.witnessed, bytes(note))
            self._asked = head.checkpoint.size, time.monotonic()
        names = [cosigned.witness.name for cosigned in cosigners]
        log.info("checkpoint witnessed", size=head.checkpoint.size, by=names, enough=met)
        return met

    def _ask(self, head: Head) -> Sequence[Signature]:
        if not self._clients:
            return []
        with ThreadPoolExecutor(len(self._clients)) as pool:
            answers = list(pool.map(lambda client: _asked(client, head), self._clients))
        return [answer for answer in answers if answer is not None]

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(ROUND_SECONDS):
            try:
                if self._is_due():
                    self.round()
            except (Transient, OSError) as error:
                log.warning("witnesses wait", reason=str(error))
            except Exception:
                log.exception("witnessing failed")  # the log itself must go on

    def _is_due(self) -> bool:
        size, at = self._asked
        return self._reader.head().checkpoint.size != size or time.monotonic() - at > REPEAT_SECONDS


def _asked(client: WitnessClient, head: Head) -> Signature | None:
    try:
        return client.cosign(head)
    except LiudanError as error:
        log.warning("witness has not signed", witness=client.witness.name, reason=str(error))
        return None
