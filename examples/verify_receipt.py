#!/usr/bin/env python3
"""Checks a receipt or a ticket's history from a liudan transparency log, offline and without liudan.

    python verify_receipt.py FILE KEY [WITNESS_KEY…]

FILE is a receipt (*.tlog-proof) or a history (*.history.zip); KEY is the log's verifier key, or a file with
it. Get the key from somebody else than the file. Exit code 0: it is proven; 1: it is not, and why.

This file stands alone: it needs Python 3.11 and the package `cryptography`, and is short enough to be read.
Sources: RFC 6962 (Merkle trees), c2sp.org/signed-note, /tlog-checkpoint, /tlog-proof, /tlog-cosignature.
"""

import base64
import hashlib
import io
import json
import re
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = 1, 4  # kinds of keys in a verifier key


class NotProven(Exception):
    """The file does not prove what it says."""


def demand(holds, otherwise):
    """Go on only if something holds."""
    if not holds:
        raise NotProven(otherwise)


def sha256(*parts):
    """Hash parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


# Keys and signed notes -------------------------------------------------------------------------------


def read_key(text):
    """Read a verifier key `name+id+base64`: its name, id, kind and public key."""
    name, key_id, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    demand(sha256(name.encode(), b"\n", raw)[:4].hex() == key_id, "the verifier key was mistyped")
    demand(len(raw) == 33 and raw[0] in (LOG, WITNESS), "this kind of verifier key is unknown")
    return name, bytes.fromhex(key_id), raw[0], raw[1:]


def signed_by(note, key):
    """Give a note's text if the key has signed it, and for a witness when; else raise NotProven."""
    name, key_id, kind, public = key
    text, blank, lines = note.decode().rpartition("\n\n")
    demand(blank and lines.endswith("\n"), "this is not a signed note")
    text += "\n"
    for line in lines.splitlines():
        demand(line.startswith("\N{EM DASH} "), "this is not a signature line")
        signer, _, encoded = line[2:].partition(" ")
        raw = base64.b64decode(encoded, validate=True)
        if (signer, raw[:4]) != (name, key_id):
            continue
        message, signature, seen = text.encode(), raw[4:], None
        if kind == WITNESS:
            seen, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = b"cosignature/v1\ntime %d\n" % seen + message
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except InvalidSignature:
            raise NotProven(f"the signature of {name} is wrong") from None
        return text, seen
    raise NotProven(f"{name} has not signed this")


def read_checkpoint(text):
    """Read a checkpoint: the log's name, how many entries it has, and the root of its tree."""
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)", text)
    demand(match, "this is not a checkpoint")
    return match[1], int(match[2]), base64.b64decode(match[3])


# Merkle proofs ---------------------------------------------------------------------------------------


def root_of(entry, index, size, path):
    """Climb from an entry to the root (RFC 9162, section 2.1.3.2)."""
    demand(0 <= index < size, "there is no such entry in a log of that size")
    node, at, last = sha256(b"\0", entry), index, size - 1
    for sibling in path:
        demand(last > 0 and len(sibling) == 32, "the proof has another length than it must have")
        if at % 2 or at == last:
            node = sha256(b"\1", sibling, node)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        at, last = at >> 1, last >> 1
    demand(last == 0, "the proof has another length than it must have")
    return node


def check_proof(raw, key, witnesses, beside=None):
    """Check a receipt, or a proof `beside` its entry: gives entry, index, checkpoint and witnesses' times."""
    proof, blank, note = raw.partition(b"\n\n")
    lines = proof.decode().split("\n")
    demand(blank and lines.pop(0) == "c2sp.org/tlog-proof@v1", "this is not a receipt")
    entry = beside
    if lines and lines[0].startswith("extra "):
        entry = base64.b64decode(lines.pop(0)[6:], validate=True)
    demand(entry and beside in (None, entry), "the receipt is for another entry")
    index = re.fullmatch("index (0|[1-9][0-9]*)", lines.pop(0) if lines else "")
    demand(index, "the receipt names no entry")
    text, _ = signed_by(note, key)
    checkpoint = read_checkpoint(text)
    demand(checkpoint[0] == key[0], "the checkpoint is of another log")
    path = [base64.b64decode(line, validate=True) for line in lines]
    root = root_of(entry, int(index[1]), checkpoint[1], path)
    demand(root == checkpoint[2], "the entry is not in this log: one of them was changed")
    return entry, int(index[1]), checkpoint, [(each[0], signed_by(note, each)[1]) for each in witnesses]


# A ticket's whole history ----------------------------------------------------------------------------


def check_history(raw, key, witnesses):
    """Check a bundle: gives its events and the checkpoint."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = archive.namelist()
        demand(len(names) == len(set(names)), "a file is in the bundle twice")
        demand(sum(each.file_size for each in archive.infolist()) < 1 << 26, "the bundle is too large")
        files = {name: archive.read(name) for name in names}
    statement, _ = signed_by(files.pop("statement", b""), key)
    pattern = r"liudan ticket history v1\nticket ([^\n ]+)\nevents ([1-9][0-9]*)\npage ([0-9a-f]{64})\n\n(.+)"
    stated = re.fullmatch(pattern, statement, re.DOTALL)
    demand(stated, "the statement is not one about a ticket's history")
    ticket, count, page, tree = stated[1], int(stated[2]), stated[3], read_checkpoint(stated[4])
    demand(sha256(files.pop("timeline.html", b"")).hex() == page, "the page for people was changed")
    demand(read_checkpoint(signed_by(files.pop("checkpoint", b""), key)[0]) == tree, "the checkpoints differ")
    files.pop("verifier.key", None)  # the key must come from elsewhere
    events, before = [], -1
    for version in range(1, count + 1):
        entry, proof = (
            files.pop(name % version, None) for name in ("events/%06d.json", "proofs/%06d.tlog-proof")
        )
        demand(entry is not None and proof is not None, f"version {version} of {count} is missing")
        _, index, checkpoint, _ = check_proof(proof, key, witnesses, entry)
        event = json.loads(entry)
        demand(
            (event["subject"], event["sequence"]) == (ticket, version), f"version {version} is another event"
        )
        demand(checkpoint == tree and index > before, f"version {version} is not where it belongs in the log")
        events.append((event, index))
        before = index
    demand(not files, f"what is not part of a history is in the bundle: {sorted(files)[:3]}")
    return events, tree


def tell(event, index):
    """Print what an event says."""
    actor = event["data"]["actor"]
    who = " ".join(filter(None, (actor["role"], actor["unit"])))
    print(f"  {event['sequence']:>3}  {event['time']}  {event['type']}  {who}  (entry {index})")


def text_or_file(text):
    """Give what a file says, or the text itself where there is no such file."""
    return Path(text).read_text() if Path(text).is_file() else text


def main(file, key_text, *witness_texts):
    """Check a file and say what it proves."""
    key, *witnesses = map(read_key, map(text_or_file, (key_text, *witness_texts)))
    demand(key[2] == LOG, "that is the key of a witness, not of a log")
    raw = Path(file).read_bytes()
    if raw.startswith(b"PK"):
        events, (origin, size, _) = check_history(raw, key, witnesses)
        number = events[0][0]["subject"]
        print(f"PROVEN: the history of {number} is in the log of {origin}, unchanged, in this order")
        for event, index in events:
            tell(event, index)
        print(f"  {origin} has signed that there are no other events of it among its {size} entries.")
    else:
        entry, index, (origin, size, _), seen = check_proof(raw, key, witnesses)
        event = json.loads(entry)
        print(f"PROVEN: this event of {event['subject']} is in the log of {origin}, one of {size} entries")
        tell(event, index)
        for name, seconds in seen:
            print(f"  witnessed by {name} at {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC")


if __name__ == "__main__":
    try:
        if len(sys.argv) < 3:
            sys.exit(__doc__)
        main(*sys.argv[1:])
    except (NotProven, ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
        sys.exit(f"NOT PROVEN: {error}")
