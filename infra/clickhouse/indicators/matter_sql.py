"""The matters 件次 of `projections.indicators.matter`, in SQL over the landing table.

The fold in `projections.indicators.matter_fold` says the same in Python; a test holds both together.
"""

from collections.abc import Sequence

from domain.vocabulary import ENDED
from infra.clickhouse.schema import EVENTS_TABLE
from projections.indicators.matter import LATE, Matter
from projections.indicators.matter_fold import CHARGED, COUNTED

NO_LIMIT = "true"


def _was(*kinds: str) -> str:
    return " OR ".join(f"type = 'liudan.ticket.{kind}.v1'" for kind in kinds)


def _quoted(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_PLACES = list(dict.fromkeys(CHARGED.values()))
_LAST = (
    "region", "grid", "category", "matter_class", "urgency", "channel", "state", "end", "origin",
    "resolve_due", "resolved_at", "closed_at", "suspended", "placed_at", "charged", "occurred_at",
)  # fmt: skip
_COUNTS = "\n".join(
    f"            toUInt16(countIf({_was(kind.TYPE)})) AS {name}," for name, kind in COUNTED.items()
)
_HELD = "\n".join(
    f"            sumIf(stretch, charged = '{place}' AND NOT suspended) AS {place}_microseconds,"
    for place in _PLACES
)
_LAST_COLUMNS = "\n".join(f"    last.{n} AS {name}," for n, name in enumerate(_LAST[:12], start=1))

# `steps`: every event beside the one before and after it in its cycle. `cycles`: what is known of a cycle
# from its events; argMax over a tuple, because of a nullable column alone it would pass over the nulls.
_MATTERS = f"""
WITH
    steps AS
    (
        SELECT
            *,
            if(state IN ({_quoted(sorted(ENDED))}), '',
               transform(toString(level), [{_quoted(list(CHARGED))}], [{_quoted(list(CHARGED.values()))}],
                   '')) AS charged,
            ifNull(greatest(0, dateDiff('microsecond', occurred_at,
                leadInFrame(toNullable(occurred_at)) OVER following)), 0) AS stretch,
            lagInFrame(resolve_due) OVER before AS known_due,
            coalesce(lagInFrame(resolved_at) OVER before, lagInFrame(closed_at) OVER before,
                if(lagInFrame(suspended) OVER before,
                    anyLast(if({_was("ticket-suspended")}, occurred_at, NULL)) OVER earlier, NULL),
                occurred_at) AS stood_still_at
        FROM {EVENTS_TABLE}
        WHERE {{limits}}
        WINDOW
            before AS (PARTITION BY number, cycle ORDER BY sequence
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
            earlier AS (PARTITION BY number, cycle ORDER BY sequence
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
            following AS (PARTITION BY number, cycle ORDER BY sequence
                ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)
    ),
    cycles AS
    (
        SELECT
            number,
            cycle,
            max(sequence) AS newest,
            argMin(occurred_at, sequence) AS began_at,
            argMax(tuple({", ".join(_LAST)}), sequence) AS last,
            argMaxIf(
                if(level != '', (toString(level), toString(holder)),
                   (toString(assigned_level), toString(assigned_unit))),
                sequence, level != '' OR (({_was("ticket-imported")}) AND assigned_unit != '')) AS answering,
            argMaxIf(toString(first_handler), sequence, first_handler != '') AS first_handler,
            argMaxIf((toString(resolver_level), toString(resolver), toString(outcome)), sequence,
                {_was("matter-resolved")}) AS resolution,
            argMinIf(toString(state), sequence, state != 'placed') AS first_step,
            argMinIf(toNullable(occurred_at), sequence, state != 'placed') AS responded_at,
            argMaxIf(tuple(stage_due), sequence, state = 'placed').1 AS respond_due,
            argMinIf(known_due, sequence, known_due < stood_still_at
                AND resolve_due IS DISTINCT FROM known_due AND resolved_at IS NULL
                AND closed_at IS NULL) AS broken_due,
            argMinIf(toNullable(occurred_at), sequence, {_was("matter-resolved")}) AS first_resolved_at,
            argMaxIf(toNullable(occurred_at), sequence, {_was("ticket-suspended")}) AS suspended_since,
            argMaxIf(tuple(toNullable(occurred_at), {_was("order-rated")}, ifNull(solved, false),
                ifNull(score, 0)), sequence, {_was("order-rated", "rating-lapsed")}) AS survey,
            minIf(sequence, {_was("emergency-declared")}) AS declaration,
            argMinIf(toNullable(occurred_at), sequence, {_was("emergency-declared")}) AS emergency_at,
            arraySort(groupArrayIf((sequence, occurred_at), {_was("response-logged")})) AS responses,
            arraySort(groupArrayIf((sequence, occurred_at), {_was("emergency-stood-down")})) AS stood_down,
{_COUNTS}
{_HELD}
            toUInt16(countIf(recorded_at > if({_was("ticket-imported")}, placed_at, occurred_at)
                + INTERVAL {int(LATE.total_seconds())} SECOND)) AS late_events
        FROM steps
        GROUP BY number, cycle
    )
SELECT
    number,
    cycle,
    max(newest) OVER (PARTITION BY number) AS version,
    if(match(region, '^[0-9]'), substring(region, 1, 6), splitByChar(':', toString(region))[1]) AS area,
{_LAST_COLUMNS}
    if(resolved_at IS NOT NULL AND resolution.2 != '', (resolution.1, resolution.2), answering) AS answers,
    answers.1 AS level,
    answers.2 AS holder,
    first_handler,
    origin != '' AND version = 1 AS untouched,
    if(cycle = 1, last.14, began_at) AS filed_at,
    first_step,
    respond_due,
    responded_at,
    broken_due,
    first_resolved_at,
    leadInFrame(toNullable(began_at)) OVER (PARTITION BY number ORDER BY cycle
        ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS reopened_at,
    if(last.13, suspended_since, NULL) AS suspended_at,
    if(resolved_at IS NULL, '', resolution.3) AS outcome,
    if(resolved_at IS NULL, '', resolution.1) AS resolver_level,
    if(resolved_at IS NULL, '', resolution.2) AS resolver,
    survey.1 AS surveyed_at,
    survey.2 AS rated,
    survey.3 AS solved,
    survey.4 AS score,
    {", ".join(COUNTED)},
    emergency_at,
    arrayFirstOrNull(one -> declaration > 0 AND one.1 > declaration, responses).2 AS emergency_response_at,
    arrayFirstOrNull(one -> declaration > 0 AND one.1 > declaration, stood_down).2 AS emergency_over_at,
    {", ".join(f"{place}_microseconds" for place in _PLACES)},
    if(reopened_at IS NULL, last.15, '') AS holding,
    if(holding != '' AND NOT last.13, last.16, NULL) AS holding_since,
    late_events
FROM cycles
"""  # noqa: S608 - our own names; what callers give are bound parameters


def matters_sql(limits: str = NO_LIMIT, columns: Sequence[str] = Matter._fields) -> str:
    """Give the statement for the matters of the events within `limits`, a condition on the landing table.

    Whoever limits must take a ticket's events from the first one on, without a gap.
    """
    return f"SELECT {', '.join(columns)} FROM ({_MATTERS.replace('{limits}', limits)})"  # noqa: S608
