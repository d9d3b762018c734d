"""The small rules of the door: who is exposed, which error is which status, what a header means."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access import parse_place
from api.identity import HeaderIdentity
from api.preconditions import command_id, etag, expected_version, is_known
from api.problems import STATUS_OF, Rejection, status_of
from domain.errors import (
    CommandReused,
    Conflict,
    Forbidden,
    Halted,
    Invalid,
    NotFound,
    Poison,
    Refused,
    Transient,
)
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.exposure import check_exposure
from infra.vault import KeyErased

WORKER = Actor("officer:1", Role.GRID_WORKER, "622901001001")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x"), 404),
        (Invalid("x"), 422),
        (CommandReused("x"), 422),
        (Forbidden("x"), 403),
        (Conflict("x"), 409),
        (Refused("x"), 409),
        (KeyErased("x"), 409),
        (Transient("x"), 503),
        (ClickHouseUnavailable("x"), 503),
        (Poison("x"), 500),
        (Halted("x"), 500),
    ],
)
def test_the_nearest_kind_of_error_decides_the_status(error: Refused, status: int) -> None:
    assert status_of(error) == status
    assert STATUS_OF


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_development_identities_stay_on_this_machine(host: str) -> None:
    check_exposure(host, dev_identity=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "", "example.org", "localhost.example.org"])
def test_development_identities_are_not_exposed(host: str) -> None:
    check_exposure(host, dev_identity=False)
    with pytest.raises(Invalid) as refusal:
        check_exposure(host, dev_identity=True)
    assert "LIUDAN_DEV_IDENTITY" in str(refusal.value)


def known_by(actor: Actor, key: str) -> UUID:
    return uuid5(UUID(int=0), "\0".join((actor.role, actor.id, key)))


def test_a_uuid_is_the_command_id_and_other_keys_are_the_actors_own() -> None:
    known = "5f0c1c9e-0d0b-5f53-9a53-3a8f6e6f6c64"
    for spelled in (known, known.upper(), f'"{known}"'):
        assert command_id({b"idempotency-key": spelled.encode()}, WORKER, known_by) == UUID(known)
    mine = command_id({b"idempotency-key": b"7"}, WORKER, known_by)
    assert mine == command_id({b"idempotency-key": b"7"}, WORKER, known_by)
    assert mine != command_id(
        {b"idempotency-key": b"7"}, Actor("officer:2", Role.GRID_WORKER, WORKER.unit), known_by
    )
    assert mine != command_id(
        {b"idempotency-key": b"7"}, Actor(WORKER.id, Role.VILLAGE, WORKER.unit), known_by
    )
    assert command_id({}, WORKER, known_by) != command_id({}, WORKER, known_by)


@given(st.integers(1, 10**9 - 1))
def test_an_etag_can_be_given_back(version: int) -> None:
    assert expected_version({b"if-match": etag(version).encode()}) == version
    assert is_known(etag(version), version)
    assert not is_known(etag(version), version + 1)


@given(st.binary(max_size=30))
def test_any_if_match_is_understood_or_refused(raw: bytes) -> None:
    status, version = 0, None
    try:
        version = expected_version({b"if-match": raw})
    except Rejection as rejection:
        status = rejection.status
    assert status in {0, 400}
    assert version is None or str(version).encode() in raw


@given(st.binary(max_size=60), st.binary(max_size=20), st.none() | st.binary(max_size=40))
def test_any_identity_is_understood_or_refused(actor: bytes, role: bytes, unit: bytes | None) -> None:
    headers = {b"x-liudan-actor": actor, b"x-liudan-role": role}
    if unit is not None:
        headers[b"x-liudan-unit"] = unit
    status, known = 0, WORKER
    try:
        known = HeaderIdentity(enabled=True).of(headers)
    except Rejection as rejection:
        status = rejection.status
    assert status in {0, 401}
    assert known.id.isprintable()


def test_places_are_regions_or_grids() -> None:
    assert parse_place("622901") == "622901"
    assert parse_place("622901001001-U003") == "622901001001-U003"
    assert parse_place("us-nyc:queens:09") == "us-nyc:queens:09"
    for text in ("622901001001-X1", "dept:622901:roads", "", "62290"):
        with pytest.raises(Invalid):
            parse_place(text)
