"""A witness as C2SP tlog-witness describes one: a real HTTP server that checks what it signs."""

import base64
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from domain.errors import LiudanError
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.merkle import EMPTY_ROOT, is_consistent
from infra.transparency.signed_note import COSIGNATURE, SignedNote, Signer, VerifierKey

_REQUEST = re.compile(rb"old (0|[1-9][0-9]*)\n((?:[^\n]+\n)*)\n(.+)", re.DOTALL)
_MOST_PROOF_LINES = 63


@dataclass
class WitnessBook:
    """What one witness knows: its key, the logs whose checkpoints it takes, and the last one of each."""

    signer: Signer
    logs: dict[str, VerifierKey] = field(default_factory=dict)
    seen: dict[str, Checkpoint] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: bytes) -> tuple[int, str, bytes]:
        """Give status, content type and body for a request."""
        match = _REQUEST.fullmatch(body)
        if match is None or match[2].count(b"\n") > _MOST_PROOF_LINES:
            return 400, "text/plain", b""
        old, proof = int(match[1]), [base64.b64decode(line) for line in match[2].split()]
        note = SignedNote.parse(match[3])
        claimed = Checkpoint.parse(note.text)
        key = self.logs.get(claimed.origin)
        if key is None:
            return 404, "text/plain", b""
        try:
            checkpoint = Checkpoint.opened(note, key)
        except LiudanError:
            return 403, "text/plain", b""
        with self.lock:
            return self._judge(old, proof, checkpoint, note.text)

    def _judge(self, old: int, proof: list[bytes], new: Checkpoint, text: str) -> tuple[int, str, bytes]:
        if old > new.size:
            return 400, "text/plain", b""
        last = self.seen.get(new.origin, Checkpoint(new.origin, 0, EMPTY_ROOT))
        if old != last.size:
            return 409, "text/x.tlog.size", b"%d\n" % last.size
        if not is_consistent(old, new.size, last.root, new.root, proof):
            return 422, "text/plain", b""
        self.seen[new.origin] = new
        return 200, "text/plain", f"{self.signer.cosign(text, int(time.time()))}\n".encode()


@contextmanager
def witness(name: str, *logs: VerifierKey) -> Iterator[tuple[WitnessBook, str]]:
    """Run a witness; gives its book, and the line that names it in a policy."""
    book = WitnessBook(
        Signer(name, name.encode().ljust(32, b"-")[:32], COSIGNATURE), {log.name: log for log in logs}
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, said = (
                book.answer(body) if self.path == "/add-checkpoint" else (404, "text/plain", b"")
            )
            book.statuses.append(status)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield (
            book,
            f"witness {name.rpartition('/')[2]} {book.signer.verifier} http://127.0.0.1:{server.server_port}/",
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
