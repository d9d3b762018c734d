-- A stretch in which one holder has one order to do: from the event that gave it to them to the event that took
-- it from them. The columns that can change on the way (limit, first handler, class) say how it was at its end.

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
    neighbours AS
    (
        SELECT
            *,
            tuple(state, level, holder, cycle, stage_entered_at) AS place,
            lagInFrame(place) OVER around AS place_before,
            leadInFrame(toNullable(occurred_at)) OVER around AS next_at,
            leadInFrame(type::String) OVER around AS next_type,
            leadInFrame(state::String) OVER around AS next_state,
            leadInFrame(end::String) OVER around AS next_end
        FROM liudan.ticket_events AS e
        @where
        WINDOW around AS (PARTITION BY number ORDER BY sequence ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
    ),
    stretches AS
    (
        SELECT
            *,
            sum(place != place_before) OVER (PARTITION BY number ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS stretch
        FROM neighbours
    )
SELECT
    number,
    any(s.cycle) AS cycle,
    min(s.sequence) AS run,
    transform(any(s.state)::String, ['placed', 'verified', 'issued', 'dispatched', 'accepted', 'resolved', 'fed_back'], ['verify', 'issue', 'dispatch', 'accept', 'handle', 'feed_back', 'rate'], '') AS order,
    any(s.level) AS level,
    any(s.holder) AS holder,
    argMax(s.first_handler, s.sequence) AS first_handler,
    if(min(s.sequence) = 1, any(s.stage_entered_at), min(s.occurred_at)) AS started_at,
    any(s.stage_entered_at) AS stage_entered_at,
    if(any(s.state) = 'fed_back', argMax(tuple(s.rating_due), s.sequence).1, argMax(tuple(s.stage_due), s.sequence).1) AS due_at,
    argMax(tuple(s.resolve_due), s.sequence).1 AS resolve_due,
    argMax(tuple(s.next_at), s.sequence).1 AS ended_at,
    argMax(s.next_type, s.sequence) AS ended_by,
    multiIf(
        isNull(ended_at), '',
        ended_by = 'liudan.ticket.order-returned.v1', 'returned',
        ended_by = 'liudan.ticket.order-transferred.v1', 'transferred',
        ended_by = 'liudan.ticket.rework-ordered.v1', 'rework',
        argMax(s.next_state, s.sequence) IN ('rejected', 'withdrawn', 'merged'), 'ended',
        argMax(s.next_end, s.sequence) = 'rating_lapsed', 'lapsed',
        'done') AS how,
    sum(ifNull(s.paused_seconds, 0)) AS paused_seconds,
    argMax(s.suspended, s.sequence) AS suspended,
    argMax(s.emergency, s.sequence) AS emergency,
    max(s.binding) AS binding,
    argMax(s.region, s.sequence) AS region,
    argMax(s.grid, s.sequence) AS grid,
    argMax(s.category, s.sequence) AS category,
    argMax(s.matter_class, s.sequence) AS matter_class,
    argMax(s.urgency, s.sequence) AS urgency,
    argMax(s.channel, s.sequence) AS channel,
    any(s.placed_at) AS placed_at,
    any(s.origin) AS origin
FROM stretches AS s
WHERE s.state NOT IN ('closed', 'rejected', 'withdrawn', 'merged')
GROUP BY number, stretch;
