"""`liudan transparency`: the transparency log's own process."""

import signal
import threading
from functools import partial
from pathlib import Path

import click

from consumers.transparency.cosign import Cosigner
from consumers.transparency.keep import LogKeeper
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.event_store.open import open_event_store


@click.command()
@home_option
def transparency(home: Path | None) -> None:
    """Put every event into the transparency log, and sign a checkpoint every half second."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Installation.at(home) as parts:
        cosigner = Cosigner(parts.transparency_log, parts.trust_policy)
        LogKeeper(
            parts.store,
            parts.transparency_log.folder,
            parts.log_signer,
            cosigner=cosigner,
            open_store=partial(open_event_store, parts.settings.event_store_url),
            stop=stop,
        ).run()
