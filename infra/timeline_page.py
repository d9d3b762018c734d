"""A ticket's history as one page for people, in Chinese and English: no scripts, nothing from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from domain.event_names import EVENT_NAMES, ROLE_NAMES, Name
from domain.vocabulary import Role
from infra.transparency.checkpoint import Checkpoint

_CHINA = ZoneInfo("Asia/Shanghai")
_PREFIX, _SUFFIX = "liudan.ticket.", ".v1"
_SAID_ELSEWHERE = frozenset({"actor", "ticket", "sealed"})
_SEALED = Name("姓名、电话、详细地址和文字已加密", "name, contact, exact address and words are sealed")

_PAGE = """\
<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{number}</title>
<style>
body {{ font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 56rem; margin: 2rem auto;
  padding: 0 1rem; color: #1c1c1c; background: #fff }}
h1 {{ font-size: 1.5rem }}
ol {{ list-style: none; padding: 0; border-left: 3px solid #b8322a }}
li {{ margin: 0 0 1.2rem; padding-left: 1rem }} h2 {{ font-size: 1.05rem; margin: 0 }} p {{ margin: .1rem 0 }}
.en, .small {{ color: #595959; font-size: .9rem }} code {{ overflow-wrap: anywhere }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .2rem 0; font-size: .9rem }}
dt {{ color: #595959 }} dd {{ margin: 0; overflow-wrap: anywhere }}
</style></head><body>
<h1>工单办理全程 Ticket history {number}</h1>
<p>{count} 条记录，第 1 条至第 {count} 条，无间断。
<span class="en">{count} events, 1 to {count}, none missing, as <code>{origin}</code> has signed.</span></p>
<p class="small">透明日志 Transparency log: {size} entries, root <code>{root}</code></p>
<ol>
{steps}
</ol>
<p class="small">核验 To check this: <code>liudan audit check-bundle FILE --key KEY</code>,
<span class="en">or the stand-alone <code>verify_receipt.py</code>; get the key from somebody else than the
file.</span></p>
</body></html>
"""

_STEP = """\
<li><h2>{version}. {chinese} <span class="en">{english}</span></h2>
<p>{when} <span class="small">（记录于 recorded {recorded}）</span></p>
<p>{who}</p>
<p>状态 <span class="en">state</span> <b>{state}</b>{holder}</p>
<dl>{details}</dl>
<p class="small">日志序号 Log entry {leaf}</p></li>"""


def timeline_page(events: Sequence[bytes], leaves: Sequence[int], head: Checkpoint) -> bytes:
    """Write the page for a ticket's events, which are all there, and their places in the log."""
    read = [orjson.loads(event) for event in events]
    steps = "\n".join(_step(event, leaf) for event, leaf in zip(read, leaves, strict=True))
    page = _PAGE.format(
        number=escape(read[0]["subject"]), count=len(read), origin=escape(head.origin), size=head.size,
        root=head.root.hex(), steps=steps,
    )  # fmt: skip
    return page.encode()


def _step(event: Mapping[str, Any], leaf: int) -> str:  # the bytes of another version may have other fields
    data = event["data"]
    kind = str(event["type"]).removeprefix(_PREFIX).removesuffix(_SUFFIX)
    name = EVENT_NAMES.get(kind, Name(kind, kind))
    ticket = data["ticket"]
    holder = f" · {escape(str(ticket['holder']))}" if ticket["holder"] else ""
    return _STEP.format(
        version=event["sequence"], chinese=escape(name.chinese), english=escape(name.english),
        when=_moment(event["time"]), recorded=_moment(event["recordedtime"]), who=_who(data["actor"]),
        state=escape(str(ticket["state"])), holder=holder, details=_details(data), leaf=leaf,
    )  # fmt: skip


def _who(actor: Mapping[str, str | None]) -> str:
    role = str(actor["role"])
    name = ROLE_NAMES[Role(role)] if role in set(Role) else Name(role, role)
    unit = f" · {escape(actor['unit'])}" if actor["unit"] else ""
    who = f'{escape(name.chinese)} <span class="en">{escape(name.english)}</span>'
    return f"{who}{unit} · <code>{escape(str(actor['id']))}</code>"


def _details(data: Mapping[str, object]) -> str:
    said = [(key, _text(value)) for key, value in data.items() if key not in _SAID_ELSEWHERE]
    if data.get("sealed"):
        said.append(("🔒", f"{_SEALED.chinese} {_SEALED.english}"))
    return "".join(_rows(said))


def _rows(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"<dt>{escape(key.replace('_', ' '))}</dt><dd>{escape(text)}</dd>" for key, text in pairs)


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
