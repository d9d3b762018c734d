"""`liudan backup` and `liudan restore`."""

from pathlib import Path

import click

from infra.backup import events, vault
from infra.backup.store_rows import is_there
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.privacy.erasures import Erasures
from infra.progress_bar import progress_bar
from infra.tickets import utc_now
from infra.transparency.signed_note import VerifierKey

_folder = click.Path(path_type=Path)


@click.command()
@click.argument("target", type=_folder)
@home_option
@click.option("--vault", "of_vault", is_flag=True, help="The vault and the access record, not the events.")
def backup(target: Path, home: Path | None, of_vault: bool) -> None:
    """Write a backup of the events into a new folder, while everything runs.

    The vault is backed up by itself, with --vault, and belongs elsewhere: who holds both, and the
    key-encryption key, can read everything.
    """
    with Installation.at(home) as parts:
        if of_vault:
            _ = parts.vault, parts.access_record
            made = vault.back_up(target, parts.home, utc_now())
            click.echo(f"{target}: {', '.join(file.name for file in made.files)}")
            return
        with progress_bar("backup") as bar:
            found = events.back_up(
                target, parts.settings.event_store_url, parts.home, parts.transparency_log, utc_now(), bar
            )
    proven = "with the log's checkpoint" if found.log else "without a checkpoint: the log has not begun"
    click.echo(f"{target}: {found.events} events up to position {found.position}, {proven}")


@click.command()
@click.argument("source", type=_folder)
@home_option
@click.option("--vault", "of_vault", is_flag=True, help="It is a backup of the vault.")
@click.option("--key", default=None, help="The log's verifier key; default the one that the backup names.")
def restore(source: Path, home: Path | None, of_vault: bool, key: str | None) -> None:
    """Restore a backup into an empty data folder (and an empty LIUDAN_EVENT_STORE), checked as it goes.

    Erasures that stand in the events are carried out in the vault at once. The read models are made anew.
    """
    with Installation.at(home) as parts:
        if of_vault:
            made = vault.restore(source, parts.home)
            click.echo(
                f"{', '.join(file.name for file in made.files)}: as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC"
            )
        else:
            verifier = VerifierKey.parse(key) if key else None
            with progress_bar("restore") as bar:
                found = events.restore(source, parts.settings.event_store_url, parts.home, verifier, bar)
            proven = "checked against the log's checkpoint" if found.log else "not signed by any log"
            click.echo(f"{found.events} events up to position {found.position}, {proven}")
        if parts.home.vault.exists() and is_there(parts.settings.event_store_url):
            erased = Erasures(parts.store, parts.vault).carry_out()
            click.echo(f"{erased} erasures carried out")
