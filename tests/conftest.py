"""Fixtures that several rooms need."""

import os
from collections.abc import Iterator

import pytest

from tests.services.postgres import PostgresMissing, fresh_database, running_postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL for the session. Where services are required, missing it is a failure, not a skip."""
    try:
        with running_postgres() as url:
            yield url
    except PostgresMissing as missing:
        if os.environ.get("LIUDAN_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(str(missing))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of the test's own."""
    with fresh_database(postgres_server) as url:
        yield url
