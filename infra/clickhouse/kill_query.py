"""KILL QUERY: find the statements of our clients that its condition is about, and end them."""

import json
import time

from infra.clickhouse.catalogue import CATALOGUE
from infra.clickhouse.engine import Engine
from infra.clickhouse.statement import Node

_MATCHING = f"SELECT running_as FROM {CATALOGUE}.processes WHERE 1"  # noqa: S608 - only our own name
_ANSWER = f"""
SELECT {{status:String}} AS kill_status, query_id, user, query FROM {CATALOGUE}.processes
WHERE has({{names:Array(String)}}, running_as)
"""  # noqa: S608
_SYNC_SECONDS = 30.0


def kill_query(engine: Engine, tree: Node, *, only_user: str, output_format: str) -> bytes:
    """Carry out a KILL QUERY whose tree this is; gives one row a statement. `only_user` empty: anybody's."""
    names = [name for name in _matching(engine, tree) if not only_user or name.startswith(f"{only_user}:")]
    is_test, waits = bool(tree.get("test")), bool(tree.get("sync"))
    status = "unknown_status" if is_test else "finished" if waits else "waiting"
    listed = json.dumps(names, ensure_ascii=False).replace('"', "'")
    answer = engine.ask(_ANSWER, {"status": status, "names": listed}, output_format)
    if not is_test:
        for name in names:
            engine.kill(name)
        if waits:
            _wait_until_gone(engine, tree, set(names))
    return answer


def _matching(engine: Engine, tree: Node) -> list[str]:
    parsed, _ = json.loads(engine.parse(_MATCHING))
    select = json.loads(parsed)
    select["list_of_selects"]["children"][0]["where"] = tree["where_expression"]
    return engine.ask(engine.unparse(json.dumps(select))).decode().splitlines()


def _wait_until_gone(engine: Engine, tree: Node, names: set[str]) -> None:
    give_up_at = time.monotonic() + _SYNC_SECONDS
    while names & set(_matching(engine, tree)) and time.monotonic() < give_up_at:
        time.sleep(0.05)
