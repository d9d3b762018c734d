"""`liudan policy`: look at a policy before it is put into force."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import orjson

from domain.errors import Invalid
from domain.policy import BadPolicy
from domain.policy_review import Severity, check, diff
from infra.policy_file import read_policy, rulebook_of

_file = click.Path(path_type=Path, dir_okay=False)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One thing to say about a policy file."""

    severity: Severity
    text: str


@click.group()
def policy() -> None:
    """Limits, calendars and thresholds: check a file, compare two versions."""


@policy.command("check")
@click.argument("file", type=_file)
@_json
def check_command(file: Path, as_json: bool) -> None:
    """Say what is wrong or doubtful in a policy file; exit code 1 if it cannot be used.

    Every sentence begins with the place in the file, as in `resolve.simple.amount` or `override[2]`.
    """
    version, sentences = _review(file)
    usable = all(sentence.severity is not Severity.PROBLEM for sentence in sentences)
    if as_json:
        found = [asdict(sentence) for sentence in sentences]
        click.echo(orjson.dumps({"version": version, "usable": usable, "findings": found}))
    else:
        for sentence in sentences:
            click.echo(f"{sentence.severity}: {sentence.text}")
        click.echo(f"{file} can be used, version {version}" if usable else f"{file} cannot be used")
    sys.exit(0 if usable else 1)


def _review(file: Path) -> tuple[str | None, list[_Sentence]]:
    try:
        read = read_policy(file)
    except BadPolicy as error:
        return None, [_Sentence(Severity.PROBLEM, fault) for fault in error.faults]
    sentences = [_Sentence(one.severity, f"{one.place}: {one.message}") for one in check(read)]
    try:
        rulebook_of([read])
    except Invalid as contradiction:
        sentences.append(_Sentence(Severity.PROBLEM, f"{contradiction.field}: {contradiction}"))
    return read.version, sentences


@policy.command("diff")
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@_json
def diff_command(old: Path, new: Path, as_json: bool) -> None:
    """Show what a new version of the policy says differently."""
    before, after = read_policy(old), read_policy(new)
    differences = diff(before, after)
    if as_json:
        found = [one._asdict() for one in differences]
        click.echo(orjson.dumps({"old": before.version, "new": after.version, "differences": found}))
        return
    for one in differences:
        click.echo(str(one))
    if not differences:
        click.echo("They say the same.")
