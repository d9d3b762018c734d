-- A stretch in which one holder has one order to do: from the event that gave it to them to the event that took
-- it from them. The columns that can change on the way (limit, first handler, class) say how it was at its end.
-- Its row is that of the last event in it; what is known of its beginning comes along in running maxima, which
-- the table's own order makes possible without sorting or grouping.

CREATE OR REPLACE VIEW liudan.orders@variant
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    run UInt32 COMMENT 'version of the ticket with which it began; with the number it names this order for ever',
    order LowCardinality(String) COMMENT 'what has to be done: verify, issue, dispatch, accept, handle, feed_back or rate',
    level LowCardinality(String) COMMENT 'level that has to do it',
    holder LowCardinality(String) COMMENT 'unit that has to do it',
    first_handler LowCardinality(String) COMMENT 'the officer who answers for it',
    started_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when this holder got it',
    stage_entered_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the stage began; earlier than started_at after a transfer',
    due_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it is due; NULL for handle, whose limit is that of the matter',
    resolve_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the matter is due to be resolved',
    ended_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when this holder was done with it; NULL while it runs',
    ended_by LowCardinality(String) COMMENT 'type of the event that ended it; empty while it runs',
    how LowCardinality(String) COMMENT 'done, returned, transferred, rework, lapsed (nobody rated), ended (rejected, withdrawn or merged); empty while it runs',
    paused_seconds Float64 COMMENT 'suspensions that are over and fell into it, in seconds',
    suspended Bool COMMENT 'whether it stands still at its end or now',
    emergency Bool COMMENT 'whether an emergency was declared',
    binding Bool COMMENT 'whether it was given by a ruling of the county',
    region LowCardinality(String) COMMENT 'region code',
    grid LowCardinality(String) COMMENT 'grid code; empty where it is not known',
    category LowCardinality(String) COMMENT 'what the matter is about',
    matter_class LowCardinality(String) COMMENT 'class of the matter',
    urgency LowCardinality(String) COMMENT 'normal or urgent',
    channel LowCardinality(String) COMMENT 'how it was reported',
    placed_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the matter was placed',
    origin LowCardinality(String) COMMENT 'the system it was imported from; empty for our own'
)
COMMENT 'every order @says: one row per order, cycle and holder, with when it began, was due and ended, and how'
AS WITH
    numbered AS
    (
        SELECT
            number, sequence, occurred_at, type, region, grid, category, matter_class, urgency, channel, state, level,
            holder, first_handler, cycle, placed_at, stage_entered_at, stage_due, resolve_due, rating_due, suspended,
            emergency, origin, binding,
            toUnixTimestamp64Micro(occurred_at) AS moment,
            ifNull(paused_seconds, 0) AS paused,
            cityHash64(state, level, holder, cycle, stage_entered_at) AS place,
            multiIf(
                type = 'liudan.ticket.order-returned.v1', 2,
                type = 'liudan.ticket.order-transferred.v1', 3,
                type = 'liudan.ticket.rework-ordered.v1', 4,
                state IN ('rejected', 'withdrawn', 'merged'), 6,
                end = 'rating_lapsed', 5,
                1)::UInt8 AS ends_as
        FROM liudan.ticket_events AS e
        @where
    ),
    neighbours AS
    (
        SELECT
            *,
            place != lagInFrame(place) OVER around AS begins,
            leadInFrame(place) OVER around AS next_place,
            leadInFrame(moment) OVER around AS next_moment,
            leadInFrame(type) OVER around AS next_type,
            leadInFrame(ends_as) OVER around AS next_ends_as
        FROM numbered
        WINDOW around AS (PARTITION BY number ORDER BY sequence ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
    ),
    stretches AS
    (
        SELECT
            *,
            max(if(begins, sequence, 0)) OVER so_far AS first,
            max(if(begins, moment, 0)) OVER so_far AS first_moment,
            max(if(begins, sequence * 2 + binding, 0)) OVER so_far AS ruling,
            sum(paused) OVER so_far AS paused_so_far
        FROM neighbours
        WINDOW so_far AS (PARTITION BY number ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    weighed AS
    (
        SELECT
            *,
            paused_so_far - max(if(begins, paused_so_far, 0)) OVER so_far AS paused_here
        FROM stretches
        WINDOW so_far AS (PARTITION BY number ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
SELECT
    number,
    cycle,
    first AS run,
    transform(state, ['placed', 'verified', 'issued', 'dispatched', 'accepted', 'resolved', 'fed_back'], ['verify', 'issue', 'dispatch', 'accept', 'handle', 'feed_back', 'rate'], '') AS order,
    level,
    holder,
    first_handler,
    if(first = 1, stage_entered_at, fromUnixTimestamp64Micro(first_moment, 'Asia/Shanghai')) AS started_at,
    stage_entered_at,
    if(state = 'fed_back', rating_due, stage_due) AS due_at,
    resolve_due,
    if(next_moment = 0, NULL, fromUnixTimestamp64Micro(next_moment, 'Asia/Shanghai')) AS ended_at,
    next_type AS ended_by,
    ['', 'done', 'returned', 'transferred', 'rework', 'lapsed', 'ended'][next_ends_as + 1] AS how,
    paused_here AS paused_seconds,
    suspended,
    emergency,
    ruling % 2 = 1 AS binding,
    region,
    grid,
    category,
    matter_class,
    urgency,
    channel,
    placed_at,
    origin
FROM weighed
WHERE next_place != place AND state NOT IN ('closed', 'rejected', 'withdrawn', 'merged');
