"""Whatever is wrong around it: one clear sentence on what to do, soon, and an exit code that says so."""

import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests.e2e.installation import ROOT, liudan
from tests.services.clickhouse import require_clickhouse

SAMPLE = str(ROOT / "infra" / "samples" / "nyc311-requests.csv")
IMPORT = ("import", "--format", "nyc311")
UP = ("up", "--port", "0", "--exit-when-done")
SECONDS = 60.0
"""For a command on a busy machine; each should take about two."""


def refused(*arguments: str, **environment: str) -> str:
    """Run a command that cannot succeed and give the sentence that it says."""
    began = time.monotonic()
    done = liudan(*arguments, seconds=SECONDS, **environment)
    assert time.monotonic() - began < SECONDS
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith(("liudan: ", "Error: "))]
    assert len(said) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == said[0]
    return said[0]


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path / "home")


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize(
    "command", [("up", "--log", "embedded"), ("api",), ("clickhouse",)], ids=["up", "api", "clickhouse"]
)
def test_a_port_in_use(command: tuple[str, ...], home: str, taken_port: str) -> None:
    require_clickhouse()
    sentence = refused(*command, "--home", home, "--port", taken_port)
    assert taken_port in sentence
    assert "another" in sentence


@pytest.mark.parametrize("setting", ["LIUDAN_EVENT_STORE", "LIUDAN_READ_STORE"])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://x/y", "mysql"),
        ("postgresql://liudan@127.0.0.1:1/none", "127.0.0.1"),
        ("sqlite:////nowhere/at/all/x.db", "/nowhere/at/all does not exist; create it"),
    ],
)
def test_a_wrong_database(setting: str, url: str, says: str, home: str) -> None:
    sentence = refused(*UP, "--home", home, "--log", "embedded", **{setting: url})
    assert says in sentence


def test_a_file_that_is_no_database(home: str, tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("this is a letter and no database at all. " * 100)
    for setting in ("LIUDAN_EVENT_STORE", "LIUDAN_READ_STORE"):
        sentence = refused(*UP, "--home", home, "--log", "embedded", **{setting: f"sqlite:///{other}"})
        assert "not a SQLite database" in sentence


@pytest.mark.parametrize(
    ("servers", "says"),
    [("127.0.0.1:1", "start it, or correct LIUDAN_KAFKA"), ("::nonsense::", "not a list of brokers")],
)
def test_a_wrong_kafka(servers: str, says: str, home: str) -> None:
    assert says in refused(*UP, "--home", home, LIUDAN_KAFKA=servers)
    assert says in refused("tail", "--no-follow", "--home", home, LIUDAN_KAFKA=servers)


@pytest.mark.parametrize(
    ("url", "says"),
    [("http://127.0.0.1:1", "start it"), ("nonsense", "is not a URL like http://127.0.0.1:8123")],
)
def test_a_wrong_clickhouse(url: str, says: str, home: str) -> None:
    assert says in refused(*UP, "--home", home, "--log", "embedded", LIUDAN_CLICKHOUSE=url)


def test_java_missing(home: str, tmp_path: Path) -> None:
    require_clickhouse()
    path = _path_without_java(tmp_path)
    for command in ((*UP, "--log", "kafka"), ("broker",)):
        sentence = refused(*command, "--home", home, PATH=path, JAVA_HOME="")
        assert "Java 17 or newer" in sentence
        assert "LIUDAN_KAFKA=embedded" in sentence
    done = liudan(*UP, "--json", "--home", home, PATH=path, JAVA_HOME="")
    assert done.returncode == 0, done.stderr
    assert "embedded log (no Kafka)" in done.stderr
    assert orjson.loads(done.stdout.splitlines()[-1])["log"] == "embedded"


def test_a_home_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "home", tmp_path / "file", Path("/proc/liudan")):
        assert "--home" in refused(*UP, "--log", "embedded", "--home", str(place))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "writable" in refused(*UP, "--log", "embedded", "--home", str(tmp_path))


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"log": "pigeons"}', b'{"log": 1}', b"\xff"])
def test_a_damaged_liudan_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "liudan.json").write_bytes(content)
    sentence = refused(*UP, "--home", str(tmp_path))
    assert "liudan.json is damaged" in sentence
    assert "restore it" in sentence


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1.5 MB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1500k", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    home = small_disk / "home"
    assert "the disk is full; free some space" in refused(*IMPORT, SAMPLE, "--home", str(home))
    before = _stored(home)
    for command in (("simulate", "--tickets", "50"), ("sla", "breaches"), (*UP, "--log", "embedded")):
        assert "the disk is full; free some space" in refused(*command, "--home", str(home))
    assert _stored(home) == before
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    done = liudan(*IMPORT, SAMPLE, "--home", str(home))
    assert done.returncode == 0, done.stderr
    assert _stored(home) == 1000
    assert f"{1000 - before} imported, {before} imported before" in done.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"a,b\n1,2\n", "lacks the column"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10, "is not a CSV file"),
        (b"\0" * 5000, "is not a"),
        (os.urandom(5000).replace(b"\n", b"\xff"), "is not a"),
    ],
    ids=["missing", "empty", "columns", "picture", "zeros", "random"],
)
def test_a_file_that_cannot_be_imported(content: bytes | None, says: str, home: str, tmp_path: Path) -> None:
    file = tmp_path / "input.csv"
    if content is not None:
        file.write_bytes(content)
    sentence = refused(*IMPORT, str(file), "--home", home)
    assert says in sentence
    assert str(file) in sentence
    assert _stored(Path(home)) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ticket", "show", "nonsense"), "not a ticket number like"),
        (("ticket", "history", "622901-261123-7KQ4L"), "7KQ4L"),
        (("ticket", "show", "622901-261123-7KQ4M"), "there is no ticket"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("import", "--format", "telepathy", SAMPLE), "telepathy"),
        (("simulate", "--tickets", "0"), "--tickets"),
        (("sla", "breaches", "--region", "xx"), "not a region code"),
        (("api", "--host", "0.0.0.0"), "0.0.0.0"),
        (("up", "--sample", "/nowhere.csv"), "/nowhere.csv"),
        (("relay",), "nothing to relay"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_that_makes_no_sense(arguments: tuple[str, ...], says: str, home: str) -> None:
    place = [] if arguments == ("frobnicate",) else ["--home", home]
    assert says in refused(*arguments, *place)
    assert _stored(Path(home)) == 0


def _stored(home: Path) -> int:
    """Count the events without any code of ours."""
    file = home / "events.db"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


def _path_without_java(tmp_path: Path) -> str:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("env", "python3"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)
