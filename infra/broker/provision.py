"""Find Java and fetch the jars of the broker with Maven, once."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import structlog

from domain.errors import Invalid, LiudanError

JAVA_VERSION = 17
POM = Path(__file__).with_name("pom.xml")
DEFAULT_LIBS = Path(__file__).with_name("libs")
MAVEN_TIMEOUT_SECONDS = 600

_STAMP = "pom.sha256"
_EMBEDDED_HINT = "or run on the embedded log with LIUDAN_KAFKA=embedded"

log = structlog.get_logger()


def find_java() -> str:
    """Give the path of a Java 17+ launcher: from `JAVA_HOME`, else from the path.

    Raises Invalid with one sentence that says what to install.
    """
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    for candidate in [*candidates, "java"]:
        if (java := shutil.which(candidate)) and _java_version(java) >= JAVA_VERSION:
            return java
    raise Invalid(
        f"Kafka needs Java {JAVA_VERSION} or newer, and none was found: "
        f"install it (Debian: apt-get install openjdk-17-jre-headless), {_EMBEDDED_HINT}.",
        rule="java-missing",
        field="LIUDAN_KAFKA",
    )


def find_maven() -> str:
    """Give the path of `mvn`; raises Invalid with one sentence that says what to install."""
    if maven := shutil.which("mvn"):
        return maven
    raise Invalid(
        "Maven fetches Kafka the first time, and mvn was not found: "
        f"install it (Debian: apt-get install maven), {_EMBEDDED_HINT}.",
        rule="maven-missing",
        field="LIUDAN_KAFKA",
    )


def why_no_kafka(libs: Path = DEFAULT_LIBS) -> str | None:
    """Say in one sentence what a real broker would need here, or None when nothing is missing."""
    try:
        find_java()
        if not is_provisioned(libs):
            find_maven()
    except Invalid as missing:
        return str(missing)
    return None


def is_provisioned(libs: Path = DEFAULT_LIBS) -> bool:
    """Tell whether the jars that the pom asks for are there."""
    stamp = libs / _STAMP
    return stamp.is_file() and stamp.read_text() == _pom_digest()


def provision(libs: Path = DEFAULT_LIBS) -> Path:
    """Fetch the broker's jars into `libs` (46 MB, about 10 s) unless they are there.

    They are fetched beside it and renamed, so that an interrupted run leaves nothing half done. Raises
    Invalid when Java or Maven is missing, LiudanError when Maven could not fetch them.
    """
    if is_provisioned(libs):
        return libs
    maven = find_maven()
    libs.parent.mkdir(parents=True, exist_ok=True)
    log.info("fetching the Kafka broker from its Maven artefacts, once", folder=str(libs))
    with tempfile.TemporaryDirectory(dir=libs.parent, prefix=".libs-") as room:
        fetched = Path(room) / "libs"
        _run_maven(maven, Path(room), fetched)
        (fetched / _STAMP).write_text(_pom_digest())
        _swap_in(fetched, libs, Path(room) / "old")
    return libs


def _run_maven(maven: str, room: Path, target: Path) -> None:
    pom = shutil.copy(POM, room / "pom.xml")
    goal = "dependency:copy-dependencies"
    try:
        done = subprocess.run(
            [maven, "-B", "-ntp", "-q", "-f", str(pom), goal, f"-Dlibs={target}"],
            capture_output=True,
            text=True,
            timeout=MAVEN_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LiudanError("Maven did not fetch Kafka within ten minutes: check the network.") from None
    if done.returncode != 0 or not any(target.glob("kafka_*.jar")):
        raise LiudanError(f"Maven could not fetch Kafka: check the network ({_first_error(done.stdout)}).")


def _first_error(output: str) -> str:
    lines = [line.removeprefix("[ERROR] ") for line in output.splitlines() if line.startswith("[ERROR]")]
    return lines[0][:300] if lines else "it gave no reason"


def _swap_in(fetched: Path, libs: Path, old: Path) -> None:
    """Put the folder in place; somebody who did the same meanwhile has won, and that is as good."""
    if libs.exists() and not is_provisioned(libs):
        libs.rename(old)
    try:
        fetched.rename(libs)
    except OSError:
        if not is_provisioned(libs):
            raise


def _pom_digest() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def _java_version(java: str) -> int:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else 0
