"""Whom to believe (C2SP tlog-policy): which logs, which witnesses, and how many of these must have signed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from domain.errors import Invalid
from infra.transparency.signed_note import COSIGNATURE, ED25519, SignedNote, VerifierKey, cosigned_at

NONE = "none"


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness of the policy."""

    name: str
    """What the policy calls it."""
    key: VerifierKey
    url: str | None = None
    """Where it takes checkpoints (C2SP tlog-witness)."""


class Cosigned(NamedTuple):
    """A witness's signature, and when it was made."""

    witness: Witness
    at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A policy file's content."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; raises Invalid, naming the line that is at fault."""
        reader = _Reader()
        for number, line in enumerate(path.read_text().split("\n"), 1):
            words = line.split()
            if words and not words[0].startswith("#"):
                try:
                    reader.take(words)
                except Invalid as error:
                    raise Invalid(f"{path}, line {number}: {error}", rule="bad-policy") from error
        if reader.quorum is None:
            raise Invalid(f"{path} has no quorum line; `quorum none` asks for no witness", rule="bad-policy")
        return cls(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)

    def cosigners(self, note: SignedNote) -> list[Cosigned]:
        """Say which witnesses have signed a checkpoint; raises BadNote for a signature that is wrong."""
        signatures = [(witness, note.by(witness.key)) for witness in self.witnesses.values()]
        return [
            Cosigned(witness, datetime.fromtimestamp(cosigned_at(signature), UTC))
            for witness, signature in signatures
            if signature is not None
        ]

    def is_met_by(self, cosigners: Collection[Cosigned]) -> bool:
        """Tell whether these witnesses are enough."""
        signed = {cosigned.witness.name for cosigned in cosigners}
        return self.quorum == NONE or self._has_witnessed(self.quorum, signed)

    def _has_witnessed(self, name: str, signed: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in signed
        return sum(self._has_witnessed(member, signed) for member in group.members) >= group.needed


class _Reader:
    """Takes a policy's lines, one after the other."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def take(self, words: list[str]) -> None:
        """Take a line; raises Invalid."""
        takers: dict[str, Callable[..., None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        taker = takers.get(words[0])
        if taker is None:
            raise Invalid(f"{words[0]!r} is not one of log, witness, group, quorum")
        try:
            taker(*words[1:])
        except TypeError:
            raise Invalid(f"a {words[0]} line does not have {len(words)} words") from None

    def _log(self, key: str, _url: str = "") -> None:
        self.logs.append(self._new_key(key, ED25519, {each.public for each in self.logs}))

    def _witness(self, name: str, key: str, url: str | None = None) -> None:
        if url is not None and not url.startswith(("https://", "http://")):
            raise Invalid(f"{url!r} is not the address of a witness")
        known = {each.key.public for each in self.witnesses.values()}
        self.witnesses[self._new(name)] = Witness(name, self._new_key(key, COSIGNATURE, known), url)

    def _group(self, name: str, count: str, *members: str) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise Invalid(f"{member} is already a member of a group")
            self._members.add(member)
        needed = (
            len(members)
            if count == "all"
            else 1
            if count == "any"
            else int(count)
            if count.isdecimal()
            else 0
        )
        if not 1 <= needed <= len(members):
            raise Invalid(f"{count} is not all, any, or a number from 1 to {len(members)}")
        self.groups[self._new(name)] = Group(needed, members)

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise Invalid("there is one quorum")
        self.quorum = name if name == NONE else self._known(name)

    def _new(self, name: str) -> str:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise Invalid(f"the name {name} is taken")
        return name

    def _known(self, name: str) -> str:
        if name not in self.witnesses and name not in self.groups:
            raise Invalid(f"no line before this one defines {name}")
        return name

    @staticmethod
    def _new_key(text: str, kind: int, known: Collection[bytes]) -> VerifierKey:
        key = VerifierKey.parse(text)
        if key.kind != kind:
            raise Invalid(f"the key of {key.name} is of the wrong kind")
        if key.public in known:
            raise Invalid(f"the key of {key.name} is there twice")
        return key
