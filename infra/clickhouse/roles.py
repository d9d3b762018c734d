"""The engine's own access control: two roles, of which a request runs under one.

It stands behind the statement check and before Landlock: whatever the analyst's statement turns out to be,
the engine gives that role the tables of `liudan` and nothing that lies outside the engine. It is read from a
`config.xml` in the working folder, the only place from which the embedded engine takes its users.
"""

from pathlib import Path

from infra.clickhouse.catalogue import CATALOGUE, DATABASE, FOR_ANALYSTS, OPEN_SYSTEM_TABLES

ANALYST_ROLE = "analyst_role"
_WRITER_ROLE = "writer_role"
_GRANTS = (
    f"GRANT SELECT, SHOW, dictGet ON {DATABASE}.*",
    *(f"GRANT SELECT ON {CATALOGUE}.{table}" for table in sorted(FOR_ANALYSTS)),
    *(f"GRANT SELECT ON system.{table}" for table in sorted(OPEN_SYSTEM_TABLES)),
)


def write_config(folder: Path) -> None:
    """Write the engine's configuration into the folder that is its working folder when it is opened."""
    granted = "".join(f"<query>{grant}</query>" for grant in _GRANTS)
    (folder / "config.xml").write_text(
        f"""<clickhouse>
<roles>
  <{_WRITER_ROLE}><grants><query>GRANT ALL ON *.*</query></grants></{_WRITER_ROLE}>
  <{ANALYST_ROLE}><grants>{granted}</grants></{ANALYST_ROLE}>
</roles>
<users><default>
  <password></password><profile>default</profile><quota>default</quota>
  <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
  <grants><query>GRANT {_WRITER_ROLE}</query><query>GRANT {ANALYST_ROLE}</query></grants>
</default></users>
<profiles><default></default></profiles>
<quotas><default></default></quotas>
<user_directories><users_xml><path>config.xml</path></users_xml></user_directories>
</clickhouse>
""",
        encoding="utf-8",
    )
