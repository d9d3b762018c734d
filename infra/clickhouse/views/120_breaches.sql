-- Which limits were broken, exactly as the SQL read model tells it (projections/sla_clocks_fold.py): a breach is
-- due_at < coalesce(stopped_at, suspended_at, now), dated by when the limit passed. A limit that is moved after it
-- has passed stays broken, and a further run of the clock has the new one; that makes a clock's state depend on
-- its state before, so that the events of a ticket are folded. Only of those tickets that can have a breach at
-- all: some limit passed before the next event came. The rating is left out: silence is nobody's breach.

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
    CAST(('', 0, 0, 0, 0, NULL, NULL, NULL, 0), 'Tuple(clock String, cycle UInt32, run UInt32, shown UInt32, started DateTime64(6, \'Asia/Shanghai\'), due Nullable(DateTime64(6, \'Asia/Shanghai\')), stopped Nullable(DateTime64(6, \'Asia/Shanghai\')), since Nullable(DateTime64(6, \'Asia/Shanghai\')), at DateTime64(6, \'Asia/Shanghai\'))') AS none,
    following AS
    (
        SELECT
            number, state, stage_due, resolve_due, rating_due,
            coalesce(resolved_at, closed_at) AS stop,
            leadInFrame(toNullable(occurred_at)) OVER (PARTITION BY number ORDER BY sequence ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next_at
        FROM liudan.ticket_events AS e
        @where
    ),
    candidates AS
    (
        SELECT DISTINCT number FROM following
        WHERE stage_due < coalesce(next_at, as_of) OR resolve_due < coalesce(stop, next_at, as_of)
    ),
    histories AS
    (
        SELECT
            number,
            arraySort(h -> h.sequence, groupArray(CAST((
                sequence, occurred_at, cycle, placed_at, stage_entered_at,
                transform(state::String, ['placed', 'verified', 'issued', 'dispatched', 'resolved', 'fed_back'], ['verify', 'issue', 'dispatch', 'accept', 'feed_back', 'rating'], ''),
                if(state = 'fed_back', rating_due, stage_due),
                if(isNull(resolved_at) AND isNull(closed_at) AND state IN ('closed', 'rejected', 'withdrawn', 'merged'), NULL, resolve_due),
                coalesce(resolved_at, closed_at), suspended,
                type = 'liudan.ticket.tickets-unmerged.v1' AND child = number,
                region, grid, category, matter_class,
                if(holder = '' AND assigned_unit != '', assigned_level, level),
                if(holder = '' AND assigned_unit != '', assigned_unit, holder),
                origin, source_id
            ), 'Tuple(sequence UInt32, at DateTime64(6, \'Asia/Shanghai\'), cycle UInt32, placed DateTime64(6, \'Asia/Shanghai\'), entered DateTime64(6, \'Asia/Shanghai\'), clock String, stage_due Nullable(DateTime64(6, \'Asia/Shanghai\')), resolve_due Nullable(DateTime64(6, \'Asia/Shanghai\')), stop Nullable(DateTime64(6, \'Asia/Shanghai\')), suspended Bool, unmerged Bool, region String, grid String, category String, matter_class String, level String, holder String, origin String, source_id String)'))) AS history
        FROM liudan.ticket_events AS e
        @where
        @and number IN (SELECT number FROM candidates)
        GROUP BY number
    ),
    -- After every event: the clock of the matter, and the newest clock of a stage.
    folded AS
    (
        SELECT
            number, history,
            arrayFold((known, x) -> arrayPushBack(known, arrayMap((p, goes_on, late) ->
                CAST((
                    'resolve', x.cycle,
                    if(goes_on AND NOT late, p.run, x.sequence),
                    if(goes_on AND NOT late AND isNotNull(x.stop), p.shown, x.sequence),
                    if(goes_on, p.started, if(x.cycle > 1, x.at, x.placed)),
                    if(goes_on AND isNotNull(x.stop), p.due, x.resolve_due),
                    if(isNull(x.stop), NULL, if(goes_on, coalesce(p.stopped, p.since, x.stop), if(x.suspended, x.at, x.stop))),
                    if(isNotNull(x.stop) OR NOT x.suspended, NULL, if(goes_on AND NOT late, coalesce(p.since, x.at), x.at)),
                    x.at
                ), toTypeName(none)),
                [known[-1]],
                [known[-1].cycle = x.cycle],
                [known[-1].cycle = x.cycle AND isNull(x.stop) AND isNotNull(known[-1].due)
                    AND (isNull(x.resolve_due) OR x.resolve_due != known[-1].due)
                    AND ifNull(coalesce(known[-1].stopped, known[-1].since, x.at) > known[-1].due, 0)]
            )[1]), history, [none]) AS matters,
            arrayFold((known, x) -> arrayPushBack(known, arrayMap((p, goes_on, late) ->
                if(goes_on AND NOT late,
                    CAST((p.clock, p.cycle, p.run, x.sequence, p.started, x.stage_due, NULL, if(x.suspended, coalesce(p.since, x.at), NULL), x.at), toTypeName(none)),
                    if(late OR (x.clock != '' AND isNotNull(x.stage_due)),
                        CAST((x.clock, x.cycle, x.sequence, x.sequence, if(late, p.started, x.entered), x.stage_due, NULL, if(x.suspended, x.at, NULL), x.at), toTypeName(none)),
                        CAST((p.clock, p.cycle, p.run, p.shown, p.started, p.due, coalesce(p.stopped, p.since, x.at), NULL, x.at), toTypeName(none)))),
                [known[-1]],
                [known[-1].run > 0 AND known[-1].clock = x.clock AND known[-1].cycle = x.cycle AND (isNull(known[-1].stopped) OR x.unmerged)],
                [known[-1].run > 0 AND known[-1].clock = x.clock AND known[-1].cycle = x.cycle AND (isNull(known[-1].stopped) OR x.unmerged)
                    AND isNotNull(known[-1].due) AND (isNull(x.stage_due) OR x.stage_due != known[-1].due)
                    AND ifNull(coalesce(known[-1].stopped, known[-1].since, x.at) > known[-1].due, 0)]
            )[1]), history, [none]) AS stages
        FROM histories
    ),
    -- The last state of every run; one that another has followed was stopped at the latest by that one's first event.
    ends AS
    (
        SELECT
            number, history, length(history) AS events, one.1 AS last,
            coalesce(last.stopped, if(one.2.run > 0, coalesce(last.since, one.2.at), NULL)) AS stopped,
            if(isNull(stopped), last.since, NULL) AS since
        FROM folded
        ARRAY JOIN arrayConcat(
            arrayFilter(pair -> pair.1.run > 0 AND pair.1.run != pair.2.run, arrayZip(matters, arrayPushBack(arrayPopFront(matters), none))),
            arrayFilter(pair -> pair.1.run > 0 AND pair.1.run != pair.2.run, arrayZip(stages, arrayPushBack(arrayPopFront(stages), none)))) AS one
    ),
    judged AS
    (
        SELECT
            ends.*,
            history[indexOf(history.sequence, last.shown)] AS shown,
            if(events = 1 AND known.origin != '', least(known.known_until, as_of), as_of) AS looked_at
        FROM ends LEFT JOIN (SELECT * FROM liudan.origins FINAL) AS known ON known.origin = history[1].origin
    )
SELECT
    number,
    last.cycle AS cycle,
    last.clock AS clock,
    last.run AS run,
    last.started AS started_at,
    assumeNotNull(last.due) AS due_at,
    due_at AS breached_at,
    if(stopped <= as_of, stopped, NULL) AS stopped_at,
    dateDiff('microsecond', due_at, least(coalesce(stopped, since, looked_at), as_of)) / 1e6 AS overdue_seconds,
    isNotNull(since) AS suspended,
    shown.region AS region,
    shown.grid AS grid,
    shown.category AS category,
    shown.matter_class AS matter_class,
    shown.level AS level,
    shown.holder AS holder,
    shown.origin AS origin,
    shown.source_id AS source_id
FROM judged
WHERE last.clock != 'rating' AND last.due < as_of AND last.due < coalesce(stopped, since, looked_at);
