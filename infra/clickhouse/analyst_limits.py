"""The analyst's limits: what holds where nothing is asked for, and how far each may be moved."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.clickhouse.analyst_guard import Rule, StatementRefused
from infra.clickhouse.statement import Node, nodes

_CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Limit:
    """A setting that costs something; `default` and `most` in the setting's own unit."""

    default: int | None
    most: int


LIMITS: Mapping[str, Limit] = {
    "max_execution_time": Limit(60, 60),  # seconds
    "max_memory_usage": Limit(2 << 30, 2 << 30),  # bytes
    "max_result_rows": Limit(10_000_000, 10_000_000),
    "max_result_bytes": Limit(4 << 30, 4 << 30),
    "max_threads": Limit(max(1, _CORES // 2), _CORES),
    "max_block_size": Limit(None, 1 << 20),  # rows
    "max_rows_to_read": Limit(None, 1 << 40),
    "max_bytes_to_read": Limit(None, 1 << 50),
}
# What only changes how an answer looks, or what its words mean.
_FREE = re.compile(
    r"limit|offset|extremes|final|join_use_nulls|group_by_use_nulls|union_default_mode|session_timezone"
    r"|result_overflow_mode|date_time_(input|output)_format|cast_string_to_dynamic_use_inference"
    r"|output_format_(json|csv|tsv|native|arrow|parquet|orc|pretty|markdown|xml|decimal)_\w+"
)
# Clients send these along; they mean nothing here, because the analyst's requests are read-only as they are.
_WITHOUT_EFFECT = frozenset({"readonly", "log_comment", "log_queries"})


def limited(asked: Mapping[str, str]) -> dict[str, str]:
    """Give the settings to run with. Raises StatementRefused for one that is not the analyst's to change."""
    settings = {name: str(limit.default) for name, limit in LIMITS.items() if limit.default is not None}
    for name, value in asked.items():
        if name in _WITHOUT_EFFECT:
            continue
        if name in LIMITS:
            _check(name, value)
        elif not _FREE.fullmatch(name):
            raise StatementRefused(Rule.LIMITS_STAY, f"the analyst cannot change the setting {name}")
        settings[name] = value
    return settings


def named_in(tree: Node) -> dict[str, str]:
    """Give the settings in a statement's own SETTINGS clauses; those of EXPLAIN are another thing."""
    settings: dict[str, str] = {}
    of_explain = {id(node.get("settings")) for node in nodes(tree) if node.get("type") == "ExplainQuery"}
    for node in nodes(tree):
        if node.get("type") == "SetQuery" and id(node) not in of_explain:
            settings.update(_changes(node.get("changes", [])))
    return settings


def _changes(changes: Iterable[Node]) -> Iterable[tuple[str, str]]:
    for change in changes:
        yield str(change["name"]), str(change.get("value", {}).get("value", ""))


def _check(name: str, value: str) -> None:
    most = LIMITS[name].most
    number = float(value) if re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) else 0.0
    if not 0 < number <= most:
        raise StatementRefused(
            Rule.LIMITS_STAY, f"{name} is more than 0 and at most {most} for the analyst, not {value}"
        )
