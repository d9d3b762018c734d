"""Policy files: TOML in, checked policies and the rulebook of all of them out."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from domain.errors import Invalid
from domain.policy import Policy, parse_policy
from domain.rulebook import Rulebook

DEFAULT_POLICY_FILE = Path(__file__).parent / "policies" / "default.toml"


def read_policy(path: Path) -> Policy:
    """Read and check one policy file; raises Invalid that names the file and the place in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: cannot be read: {error}", rule="bad-policy") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path}: not TOML: {error}", rule="bad-policy") from error
    return parse_policy(data, str(path))


def read_rulebook(paths: Iterable[Path] = ()) -> Rulebook:
    """Read every version of the policy; without any, the one that is shipped."""
    policies = [read_policy(path) for path in paths]
    return Rulebook(policies) if policies else default_rulebook()


@cache
def default_rulebook() -> Rulebook:
    """Give the rulebook of the shipped policy alone; immutable, so it is read only once."""
    return Rulebook([read_policy(DEFAULT_POLICY_FILE)])
