"""Policy files: TOML in, checked policies and the rulebook of all of them out.

The shipped policy is always known, so that no ticket's deadlines ever lose what they were computed by. It is
in force until the first configured version's `effective_from`; a version without one replaces it from the
beginning.
"""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from domain.errors import Invalid
from domain.policy import BadPolicy, Policy, parse_policy
from domain.policy_review import Severity, check
from domain.rulebook import Rulebook

DEFAULT_POLICY_FILE = Path(__file__).parent / "policies" / "default.toml"


def read_policy(path: Path) -> Policy:
    """Read and check one policy file; raises BadPolicy that names the file and the places in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadPolicy(str(path), (f"cannot be read: {error.strerror}",)) from error
    except UnicodeDecodeError as error:
        raise BadPolicy(str(path), (f"not UTF-8: {error}",)) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(str(path), (f"not TOML: {error}",)) from error
    return parse_policy(data, str(path))


def read_rulebook(path: Path | None = None) -> Rulebook:
    """Read a policy file, or a folder with a file for every version; None for the shipped one alone.

    Raises Invalid for a file that is at fault, and where two versions contradict each other.
    """
    if path is None:
        return default_rulebook()
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise BadPolicy(str(path), ("there is no *.toml file in this folder",))
    policies = [_sound(read_policy(file), file) for file in files]
    try:
        return rulebook_of(policies)
    except Invalid as error:
        raise BadPolicy(str(path), (str(error),), field=error.field) from error


def _sound(policy: Policy, path: Path) -> Policy:
    found = [one for one in check(policy) if one.severity is Severity.PROBLEM]
    if found:
        faults = tuple(f"{one.place}: {one.message}" for one in found)
        raise BadPolicy(str(path), faults, field=found[0].place)
    return policy


def rulebook_of(policies: Sequence[Policy]) -> Rulebook:
    """Put policies beside the shipped one; raises Invalid where two versions contradict each other."""
    shipped = shipped_policy()
    others = [policy for policy in policies if policy != shipped]
    if len(others) < len(policies) or all(policy.effective_from for policy in others):
        return Rulebook([shipped, *others])
    return Rulebook(others, past=[shipped])


@cache
def shipped_policy() -> Policy:
    """Read the policy that comes with the product; immutable, so it is read only once."""
    return read_policy(DEFAULT_POLICY_FILE)


@cache
def default_rulebook() -> Rulebook:
    """Give the rulebook of the shipped policy alone."""
    return Rulebook([shipped_policy()])
