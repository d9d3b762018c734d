"""Options that many commands share."""

from pathlib import Path

import click

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    envvar="LIUDAN_HOME",
    help="The data folder (LIUDAN_HOME, default var/).",
)
