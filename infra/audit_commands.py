"""`liudan audit`: the transparency log's key, proofs and receipts."""

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from domain.numbers import TicketNumber
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.privacy.access_command import access
from infra.ticket_bundles import TicketBundles
from infra.ticket_receipts import Occasion, TicketReceipts
from infra.transparency.bundle import SUFFIX as BUNDLE
from infra.transparency.bundle import Bundle
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.merkle import is_consistent
from infra.transparency.receipt import SUFFIX, NotProven, Receipt
from infra.transparency.signed_note import SignedNote, VerifierKey
from infra.transparency.trust_policy import TrustPolicy
from infra.verify_command import verify_command

_number = click.argument("number")


def _key(text: str) -> VerifierKey:
    """Read a verifier key, or the file that holds one; raises Invalid."""
    path = Path(text)
    return VerifierKey.parse(path.read_text() if "+" not in text or path.is_file() else text)


_verifier = click.option(
    "--key", "verifier", required=True, help="The log's verifier key, or a file with it."
)


@click.group()
def audit() -> None:
    """Prove, and check, that histories are whole and were not rewritten."""


@audit.command()
@home_option
def key(home: Path | None) -> None:
    """Print the verifier key of the transparency log, to be handed to everybody who checks it."""
    with Installation.at(home) as parts:
        click.echo(str(parts.log_signer.verifier))


@audit.command()
@home_option
def checkpoint(home: Path | None) -> None:
    """Print the newest checkpoint: how many events there are, their root hash, and who has signed it."""
    with Installation.at(home) as parts:
        click.echo(bytes(parts.transparency_log.head().note), nl=False)


@audit.command()
@_number
@home_option
@click.option(
    "--for",
    "occasion",
    type=click.Choice([occasion.value for occasion in Occasion]),
    default=Occasion.PLACING.value,
    show_default=True,
)
@click.option(
    "--version", type=click.IntRange(min=1), default=None, help="For this event of the ticket instead."
)
@click.option("--output", type=click.File("wb"), default="-", help=f"A file, best named NUMBER{SUFFIX}.")
def receipt(number: str, home: Path | None, occasion: str, version: int | None, output: BinaryIO) -> None:
    """Give a receipt: one file that proves an event of a ticket to anybody who has the verifier key."""
    parsed = TicketNumber.parse(number)
    with Installation.at(home) as parts:
        receipts = TicketReceipts(parts.store, parts.transparency_log)
        given = (
            receipts.for_version(parsed, version)
            if version
            else receipts.for_occasion(parsed, Occasion(occasion))
        )
        output.write(bytes(given))


@audit.command("check-receipt")
@click.argument("file", type=click.File("rb"))
@_verifier
@click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="A C2SP tlog-policy file: witnesses, and how many of them must have signed.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def check_receipt(file: BinaryIO, verifier: str, policy: Path | None, as_json: bool) -> None:
    """Check a receipt offline; exit code 1 if it does not prove what it says."""
    given = Receipt.parse(file.read())
    covering = given.check(_key(verifier))
    witnessed = _witnessed(given.note, TrustPolicy.read(policy) if policy else TrustPolicy())
    event = orjson.loads(given.entry)
    if as_json:
        click.echo(orjson.dumps({"index": given.leaf, "size": covering.size, "origin": covering.origin,
                                 "witnessed": witnessed, "event": event}))  # fmt: skip
        return
    click.echo(f"{event['subject']} version {event['sequence']}: {event['type']}")
    click.echo(f"happened {event['time']}, recorded {event['recordedtime']}")
    click.echo(f"is entry {given.leaf} of the {covering.size} that {covering.origin} has signed")
    for name, moment in witnessed.items():
        click.echo(f"witnessed by {name} at {moment:%Y-%m-%dT%H:%M:%SZ}")


def _witnessed(note: SignedNote, policy: TrustPolicy) -> dict[str, datetime]:
    """Say who else has signed and when; raises NotProven when they are not enough."""
    cosigners = policy.cosigners(note)
    if not policy.is_met_by(cosigners):
        raise NotProven(
            f"the checkpoint was not signed by the witnesses that the quorum {policy.quorum} needs"
        )
    return {cosigned.witness.key.name: cosigned.at for cosigned in cosigners}


@audit.command()
@_number
@home_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help=f"Default NUMBER{BUNDLE}.")
def export(number: str, home: Path | None, output: Path | None) -> None:
    """Write a ticket's whole history into one file, with the proofs that it is whole."""
    parsed = TicketNumber.parse(number)
    with Installation.at(home) as parts:
        bundle = TicketBundles(parts.store, parts.transparency_log, parts.log_signer).export(parsed)
    file = output or Path(f"{parsed}{BUNDLE}")
    file.write_bytes(bytes(bundle))
    click.echo(f"{len(bundle.receipts)} events of {parsed} are in {file}")


@audit.command("check-bundle")
@click.argument("file", type=click.File("rb"))
@_verifier
def check_bundle(file: BinaryIO, verifier: str) -> None:
    """Check a ticket's history offline; exit code 1 when an event was removed, swapped, edited or repeated.

    Proven is that these events, so and in this order, are in the log. That there are no others is what the
    log's operator has signed: another event of the ticket in the same log would prove them wrong.
    """
    bundle = Bundle.parse(file.read())
    stated = bundle.check(_key(verifier))
    tree = stated.checkpoint
    click.echo(f"{stated.ticket}: events 1 to {stated.events} are in the log, unchanged and in this order")
    click.echo(f"{tree.origin} has signed that there are no others among its {tree.size} entries")


@audit.command("check-consistency")
@click.argument("older", type=click.File("rb"))
@click.argument("newer", type=click.File("rb"))
@home_option
@_verifier
def check_consistency(older: BinaryIO, newer: BinaryIO, home: Path | None, verifier: str) -> None:
    """Check that what an older checkpoint covers was not changed up to a newer one; exit code 1 if it was."""
    log_key = _key(verifier)
    first, second = (Checkpoint.opened(SignedNote.parse(file.read()), log_key) for file in (older, newer))
    with Installation.at(home) as parts:
        proof = parts.transparency_log.consistency(first.size, second.size)
    if not is_consistent(first.size, second.size, first.root, second.root, proof):
        raise NotProven(f"the log of {first.size} entries is not the beginning of the one of {second.size}")
    click.echo(f"the first {first.size} of the {second.size} entries are the same ones")


audit.add_command(access)
audit.add_command(verify_command)
