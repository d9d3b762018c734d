-- What the resident answered, once per cycle in which they were asked. Silence is not an answer.

CREATE OR REPLACE VIEW liudan.ratings@variant
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round',
    asked_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the result was fed back; NULL for a merged ticket, which is rated without',
    answered_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was rated; NULL where there is no answer',
    lapsed Bool COMMENT 'whether the time for rating ran out',
    solved Nullable(Bool) COMMENT 'whether the resident says it is solved; NULL where there is no answer',
    score Nullable(UInt8) COMMENT '1 to 5; NULL where there is no answer',
    outcome LowCardinality(String) COMMENT 'what the resolver had said',
    resolver_level LowCardinality(String) COMMENT 'level that had resolved it',
    resolver LowCardinality(String) COMMENT 'unit that had resolved it',
    region LowCardinality(String) COMMENT 'region code',
    grid LowCardinality(String) COMMENT 'grid code; empty where it is not known',
    category LowCardinality(String) COMMENT 'what the matter is about',
    matter_class LowCardinality(String) COMMENT 'class of the matter',
    channel LowCardinality(String) COMMENT 'how it was reported',
    placed_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the matter was placed'
)
COMMENT 'every rating @says: one row per ticket and cycle in which the resident was asked'
AS SELECT
    number,
    cycle,
    maxOrNullIf(e.occurred_at, e.type = 'liudan.ticket.result-fed-back.v1') AS asked_at,
    maxOrNullIf(e.occurred_at, e.type = 'liudan.ticket.order-rated.v1') AS answered_at,
    max(e.type = 'liudan.ticket.rating-lapsed.v1') AS lapsed,
    argMaxIf(e.solved, e.sequence, e.type = 'liudan.ticket.order-rated.v1') AS solved,
    argMaxIf(e.score, e.sequence, e.type = 'liudan.ticket.order-rated.v1') AS score,
    argMaxIf(e.outcome, e.sequence, e.type = 'liudan.ticket.matter-resolved.v1') AS outcome,
    argMaxIf(e.resolver_level, e.sequence, e.type = 'liudan.ticket.matter-resolved.v1') AS resolver_level,
    argMaxIf(e.resolver, e.sequence, e.type = 'liudan.ticket.matter-resolved.v1') AS resolver,
    argMax(e.region, e.sequence) AS region,
    argMax(e.grid, e.sequence) AS grid,
    argMax(e.category, e.sequence) AS category,
    argMax(e.matter_class, e.sequence) AS matter_class,
    argMax(e.channel, e.sequence) AS channel,
    any(e.placed_at) AS placed_at
FROM liudan.ticket_events AS e
@where
GROUP BY number, cycle
HAVING isNotNull(asked_at) OR isNotNull(answered_at);
