"""`liudan audit verify`: says whether everything is still what it was when it was recorded."""

import os
import sys
from pathlib import Path

import click
import orjson

from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.exit_codes import TRY_AGAIN
from infra.progress_bar import progress_bar
from infra.transparency.signed_note import VerifierKey
from infra.verification.verdict import Part, Verdict

DIFFERS = 1


@click.command("verify")
@home_option
@click.option(
    "--since", type=click.IntRange(min=0), default=0, help="Only what lies after this position of the store."
)
@click.option(
    "--only",
    type=click.Choice([part.value for part in Part]),
    multiple=True,
    help="Compare these parts only.",
)
@click.option(
    "--key", "verifier", default=None, help="The log's verifier key; default the installation's own."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def verify_command(
    home: Path | None, since: int, only: tuple[str, ...], verifier: str | None, as_json: bool
) -> None:
    """Compare event store, Kafka, ticket state, clocks and ClickHouse with the transparency log.

    Exit code 1 with the first difference of every part that differs, by ticket, version and place; 75 when
    something could not be compared.
    """
    from infra.verification.verify import EVERYTHING, verify  # it needs all the drivers: only when called

    key = VerifierKey.parse(verifier) if verifier else None
    with Installation.at(home) as parts, progress_bar("verifying") as progress:
        chosen = [Part(name) for name in only] or EVERYTHING
        verdict = verify(
            parts, only=chosen, since=since, key=key, processes=os.cpu_count() or 1, progress=progress
        )
    click.echo(
        orjson.dumps(_as_json(verdict), option=orjson.OPT_NON_STR_KEYS) if as_json else _as_text(verdict)
    )
    sys.exit(DIFFERS if not verdict.equal else TRY_AGAIN if verdict.skipped else 0)


def _as_text(verdict: Verdict) -> str:
    lines = [f"the log has {verdict.size:,} entries, root {verdict.root.hex()}"]
    lines += [f"{part}: {count:,} compared, all as the log says" for part, count in verdict.compared.items()]
    lines += [f"{part}: NOT COMPARED: {why}" for part, why in verdict.skipped.items()]
    lines += [f"DIFFERENT {difference}" for difference in verdict.differences]
    return "\n".join(lines)


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "size": verdict.size,
        "root": verdict.root.hex(),
        "compared": verdict.compared,
        "skipped": verdict.skipped,
        "differences": [difference._asdict() for difference in verdict.differences],
    }
