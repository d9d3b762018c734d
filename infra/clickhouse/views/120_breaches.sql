-- Which limits were broken, exactly as the SQL read model tells it (projections/sla_clocks_fold.py): a breach is
-- due_at < coalesce(stopped_at, suspended_at, now), dated by when the limit passed. A limit that is moved after it
-- has passed stays broken, and a further run of the clock has the new one; that makes a clock's state depend on
-- its state before, so that the events of a ticket are folded. Only of those tickets that can have a breach at
-- all: some limit passed before the next event came. That is seen in a ticket's own events, without a list of such
-- tickets, so that asking for one ticket reads no other. In the fold a moment is microseconds, 0 where there is
-- none, and a clock its number in this list. The rating is left out: silence is nobody's breach.

CREATE OR REPLACE VIEW liudan.breaches@variant
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round',
    clock LowCardinality(String) COMMENT 'what was waited for: resolve (the whole matter), verify, issue, dispatch, accept or feed_back',
    run UInt32 COMMENT 'version of the ticket with which this run of the clock began',
    started_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the clock began',
    due_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when it was due',
    breached_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the limit passed: due_at',
    stopped_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was met after all, or the ticket ended; NULL while it runs or is suspended',
    overdue_seconds Float64 COMMENT 'from due_at until it stopped, was suspended, or now; calendar time',
    suspended Bool COMMENT 'whether the clock stands still',
    region LowCardinality(String) COMMENT 'region code, when the clock last ran',
    grid LowCardinality(String) COMMENT 'grid code; empty where it is not known',
    category LowCardinality(String) COMMENT 'what the matter is about',
    matter_class LowCardinality(String) COMMENT 'class of the matter',
    level LowCardinality(String) COMMENT 'level that is charged: the holder while it ran, the last one if there were several',
    holder LowCardinality(String) COMMENT 'unit that is charged',
    origin LowCardinality(String) COMMENT 'the system it was imported from; empty for our own',
    source_id String COMMENT 'its id in that system'
)
COMMENT 'every limit @says that was broken: which clock, when, and whose'
AS WITH
    @now AS as_of,
    ['verify', 'issue', 'dispatch', 'accept', 'feed_back', 'rating', 'resolve'] AS clocks,
    CAST((0, 0, 0, 0, 0, 0, 0, 0, 0), 'Tuple(clock UInt8, cycle UInt32, run UInt32, shown UInt32, started Int64, due Int64, stopped Int64, since Int64, at Int64)') AS none,
    histories AS
    (
        SELECT
            number,
            any(origin) AS from_where,
            arraySort(x -> x.sequence, groupArray(CAST((
                sequence, toUnixTimestamp64Micro(occurred_at), cycle,
                toUnixTimestamp64Micro(if(cycle > 1, occurred_at, placed_at)), toUnixTimestamp64Micro(stage_entered_at),
                transform(state, ['placed', 'verified', 'issued', 'dispatched', 'resolved', 'fed_back'], [1, 2, 3, 4, 5, 6], 0),
                ifNull(toUnixTimestamp64Micro(if(state = 'fed_back', rating_due, stage_due)), 0),
                if(isNull(resolved_at) AND isNull(closed_at) AND state IN ('closed', 'rejected', 'withdrawn', 'merged'), 0, ifNull(toUnixTimestamp64Micro(resolve_due), 0)),
                ifNull(toUnixTimestamp64Micro(coalesce(resolved_at, closed_at)), 0), suspended,
                type = 'liudan.ticket.tickets-unmerged.v1' AND child = number
            ), 'Tuple(sequence UInt32, at Int64, cycle UInt32, began Int64, entered Int64, clock UInt8, stage_due Int64, resolve_due Int64, stop Int64, suspended UInt8, unmerged UInt8)'))) AS history
        FROM liudan.ticket_events AS e
        @where
        GROUP BY number
    ),
    candidates AS
    (
        SELECT * FROM histories
        WHERE arrayExists((x, next_at) -> (x.stage_due != 0 AND x.stage_due < next_at)
            OR (x.resolve_due != 0 AND x.resolve_due < if(x.stop != 0, x.stop, next_at)),
            history, arrayPopFront(arrayPushBack(history.at, toUnixTimestamp64Micro(as_of))))
    ),
    -- After every event: the clock of the matter, and the newest clock of a stage. In the innermost lambda p is the
    -- clock before the event, goes_on whether it is the same one after it, late whether its limit moves too late.
    folded AS
    (
        SELECT
            number, from_where, length(history) AS events,
            arrayFold((known, x) -> arrayPushBack(known, arrayMap((p, goes_on, late) ->
                CAST((
                    7, x.cycle,
                    if(goes_on AND NOT late, p.run, x.sequence),
                    if(goes_on AND x.stop != 0, p.shown, x.sequence),
                    if(goes_on, p.started, x.began),
                    if(goes_on AND x.stop != 0, p.due, x.resolve_due),
                    multiIf(x.stop = 0, 0, goes_on AND p.stopped != 0, p.stopped, goes_on AND p.since != 0, p.since, NOT goes_on AND x.suspended, x.at, x.stop),
                    multiIf(x.stop != 0 OR NOT x.suspended, 0, goes_on AND NOT late AND p.since != 0, p.since, x.at),
                    x.at
                ), toTypeName(none)),
                [known[-1]],
                [known[-1].cycle = x.cycle],
                [known[-1].cycle = x.cycle AND x.stop = 0 AND known[-1].due != 0 AND x.resolve_due != known[-1].due
                    AND multiIf(known[-1].stopped != 0, known[-1].stopped, known[-1].since != 0, known[-1].since, x.at) > known[-1].due]
            )[1]), history, [none]) AS matters,
            arrayFold((known, x) -> arrayPushBack(known, arrayMap((p, goes_on, late) ->
                CAST(multiIf(
                    goes_on AND NOT late,
                    (p.clock, p.cycle, p.run, x.sequence, p.started, x.stage_due, 0, if(x.suspended, if(p.since != 0, p.since, x.at), 0), x.at),
                    late OR (x.clock != 0 AND x.stage_due != 0),
                    (x.clock, x.cycle, x.sequence, x.sequence, if(late, p.started, x.entered), x.stage_due, 0, if(x.suspended, x.at, 0), x.at),
                    (p.clock, p.cycle, p.run, p.shown, p.started, p.due, multiIf(p.stopped != 0, p.stopped, p.since != 0, p.since, x.at), 0, x.at)
                ), toTypeName(none)),
                [known[-1]],
                [known[-1].run > 0 AND known[-1].clock = x.clock AND known[-1].cycle = x.cycle AND (known[-1].stopped = 0 OR x.unmerged)],
                [known[-1].run > 0 AND known[-1].clock = x.clock AND known[-1].cycle = x.cycle AND (known[-1].stopped = 0 OR x.unmerged)
                    AND known[-1].due != 0 AND x.stage_due != known[-1].due
                    AND multiIf(known[-1].stopped != 0, known[-1].stopped, known[-1].since != 0, known[-1].since, x.at) > known[-1].due]
            )[1]), history, [none]) AS stages
        FROM candidates
    ),
    -- The last state of every run; one that another has followed was stopped at the latest by that one's first event.
    ends AS
    (
        SELECT
            number, from_where, events, one.1 AS last,
            multiIf(last.stopped != 0, last.stopped, one.2.run = 0, 0, last.since != 0, last.since, one.2.at) AS stopped,
            if(stopped = 0, last.since, 0) AS since
        FROM folded
        ARRAY JOIN arrayConcat(
            arrayFilter(pair -> pair.1.run != pair.2.run AND pair.1.run > 0 AND pair.1.due != 0, arrayZip(matters, arrayPushBack(arrayPopFront(matters), none))),
            arrayFilter(pair -> pair.1.run != pair.2.run AND pair.1.run > 0 AND pair.1.due != 0 AND pair.1.clock != 6, arrayZip(stages, arrayPushBack(arrayPopFront(stages), none)))) AS one
    ),
    broken AS
    (
        SELECT
            number, last.shown AS shown, last.cycle AS cycle, clocks[last.clock] AS clock, last.run AS run,
            fromUnixTimestamp64Micro(last.started, 'Asia/Shanghai') AS started_at,
            fromUnixTimestamp64Micro(last.due, 'Asia/Shanghai') AS due_at,
            if(stopped != 0, fromUnixTimestamp64Micro(stopped, 'Asia/Shanghai'), NULL) AS stopped_at,
            since != 0 AS suspended,
            coalesce(
                stopped_at,
                if(since != 0, fromUnixTimestamp64Micro(since, 'Asia/Shanghai'), NULL),
                if(events = 1 AND o.origin != '', least(o.known_until, as_of), as_of)) AS until
        FROM ends LEFT JOIN (SELECT * FROM liudan.origins FINAL) AS o ON o.origin = ends.from_where
        WHERE due_at < as_of AND due_at < until
    )
SELECT
    b.number AS number,
    b.cycle AS cycle,
    b.clock AS clock,
    b.run AS run,
    b.started_at AS started_at,
    b.due_at AS due_at,
    b.due_at AS breached_at,
    if(b.stopped_at <= as_of, b.stopped_at, NULL) AS stopped_at,
    dateDiff('microsecond', b.due_at, least(b.until, as_of)) / 1e6 AS overdue_seconds,
    b.suspended AS suspended,
    e.region AS region,
    e.grid AS grid,
    e.category AS category,
    e.matter_class AS matter_class,
    if(e.holder = '' AND e.assigned_unit != '', e.assigned_level, e.level) AS level,
    if(e.holder = '' AND e.assigned_unit != '', e.assigned_unit, e.holder) AS holder,
    e.origin AS origin,
    e.source_id AS source_id
FROM liudan.ticket_events AS e
INNER JOIN broken AS b ON b.number = e.number AND b.shown = e.sequence;
