"""`liudan vault`: the keys of people, and the key that wraps them."""

from pathlib import Path

import click
import orjson

from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.keys import rotation
from infra.privacy.erasures import Erasures
from infra.progress_bar import progress_bar


@click.group()
def vault() -> None:
    """The keys of people, and the key-encryption key (KEK) that wraps them."""


@vault.command()
@home_option
def status(home: Path | None) -> None:
    """Print which KEKs wrap how many keys, and where the access record ends, as JSON."""
    with Installation.at(home) as parts:
        _ = parts.vault
        found = rotation.standing(parts.home.vault, parts.key_ring)
        head = parts.access_record.head()
    keks = [kek._asdict() for kek in found.keks]
    shown = {**found._asdict(), "keks": keks, "access_record": head}
    click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))


@vault.command()
@home_option
def rotate(home: Path | None) -> None:
    """Wrap every key with a new KEK while everything runs; finishes what an earlier run has left."""
    with Installation.at(home) as parts:
        _ = parts.vault
        with progress_bar("rotate") as bar:
            bar.begin(rotation.keys_to_move(parts.home.vault), "keys")
            name = rotation.rotate(parts.home.vault, parts.key_ring, bar.advance)
    click.echo(f"every key is wrapped by {name} now; the older KEKs can be retired: liudan vault retire")


@vault.command("carry-out-erasures")
@home_option
def erase(home: Path | None) -> None:
    """Destroy every key whose erasure stands in the events and not yet here: after a restore, or a crash.

    `liudan watch` does it by itself.
    """
    with Installation.at(home) as parts:
        count = Erasures(parts.store, parts.vault).carry_out()
        position = parts.vault.erased_up_to()
    click.echo(f"{count} erasures carried out, up to event {position}")


@vault.command()
@home_option
@click.confirmation_option(prompt="Vault backups made under an older KEK become unreadable. Go on?")
def retire(home: Path | None) -> None:
    """Forget older KEKs, which wrap nothing any more, for good."""
    with Installation.at(home) as parts:
        _ = parts.vault
        names = rotation.retire(parts.home.vault, parts.key_ring)
    click.echo(f"retired: {', '.join(names)}" if names else "there is nothing to retire")
