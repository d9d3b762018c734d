-- Made of the registry of indicators: python -m infra.clickhouse.indicators.view_sql > views/300_kpis.sql

CREATE OR REPLACE VIEW liudan.kpi_cases_filed
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'tickets placed in the period',
    denominator Bool COMMENT 'counted at all; –',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '受理量 Cases filed: Tickets placed in the period, imported ones included'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 < 2 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf(false, 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE isNotNull(filed_at) AND (cycle = 1)
)
;

CREATE OR REPLACE VIEW liudan.kpi_closing_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was due to be resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'resolved, and not reopened since',
    denominator Bool COMMENT 'counted at all; due to be closed: matters whose resolve limit lies in the period and has passed',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '结案率 Closing rate: Of the matters due to be closed, those that were resolved, in time or not, as it stands: a reopened ticket is open again and its earlier closing does not count'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3, 4, 5], ['suspended', 'rejected', 'withdrawn', 'merged'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, end, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, resolve_due, resolved_at, state, suspended_at, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, resolve_due AS at_0, multiIf(ifNull(suspended_at <= resolve_due, false), 2, ((end = 'rejected') AND ifNull(closed_at <= resolve_due, false)), 3, ((end = 'withdrawn') AND ifNull(closed_at <= resolve_due, false)), 4, ((end = 'merged') AND ifNull(closed_at <= resolve_due, false)), 5, ((NOT isNotNull(reopened_at)) AND (isNotNull(resolved_at) OR (state = 'closed'))), 1, 0) AS verdict_0, ((NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) OR (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false))) AS undecided_0
FROM matters
WHERE isNotNull(resolve_due) AND ifNull(resolve_due <= known_until, false)
)
;

CREATE OR REPLACE VIEW liudan.kpi_on_time_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was due to be resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'resolved in time, and not reopened since',
    denominator Bool COMMENT 'counted at all; due to be closed: matters whose resolve limit lies in the period and has passed',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '按期结案率 On-time rate: Of the matters due to be closed, those resolved within their limit, as far as that stands; a limit that was moved after it had passed stays broken'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3, 4, 5, 6], ['suspended', 'rejected', 'withdrawn', 'merged', 'unknown-when'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT broken_due, category, channel, closed_at, cycle, end, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, resolve_due, resolved_at, state, suspended_at, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, resolve_due AS at_0, multiIf(ifNull(suspended_at <= resolve_due, false), 2, ((end = 'rejected') AND ifNull(closed_at <= resolve_due, false)), 3, ((end = 'withdrawn') AND ifNull(closed_at <= resolve_due, false)), 4, ((end = 'merged') AND ifNull(closed_at <= resolve_due, false)), 5, ((NOT (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(coalesce(resolved_at, closed_at)))), 6, ((((NOT isNotNull(reopened_at)) AND (isNotNull(resolved_at) OR (state = 'closed'))) AND ifNull(resolved_at <= resolve_due, false)) AND (NOT isNotNull(broken_due))), 1, 0) AS verdict_0, ((ifNull(resolved_at <= resolve_due, false) AND ((NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) OR (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false)))) OR ifNull(suspended_at <= resolve_due, false)) AS undecided_0
FROM matters
WHERE isNotNull(resolve_due) AND ifNull(resolve_due <= known_until, false)
)
;

CREATE OR REPLACE VIEW liudan.kpi_response_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was due to be verified',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'verified, rejected or dispatched within that limit',
    denominator Bool COMMENT 'counted at all; tickets whose limit for verifying lies in the period and has passed',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '响应率 Response rate: Of the cases that somebody had to look at, those taken up within the limit for verifying'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3, 4], ['suspended', 'withdrawn', 'merged'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, first_step, grid, holder, late_events, level, matter_class, number, origin, region, respond_due, responded_at, suspended_at, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, respond_due AS at_0, multiIf(((NOT isNotNull(responded_at)) AND ifNull(suspended_at <= respond_due, false)), 2, ((first_step = 'withdrawn') AND ifNull(responded_at <= respond_due, false)), 3, ((first_step = 'merged') AND ifNull(responded_at <= respond_due, false)), 4, ifNull(responded_at <= respond_due, false), 1, 0) AS verdict_0, ((NOT isNotNull(responded_at)) AND ifNull(suspended_at <= respond_due, false)) AS undecided_0
FROM matters
WHERE isNotNull(respond_due) AND ((cycle = 1) AND ifNull(respond_due <= known_until, false))
)
;

CREATE OR REPLACE VIEW liudan.kpi_solution_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was rated, or the time for that was over',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, solved as they say',
    denominator Bool COMMENT 'counted at all; matters that a resident rated in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '解决率 Solution rate: Of those who answered, the share who say that it is solved'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['silent'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, rated, region, solved, surveyed_at, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, surveyed_at AS at_0, multiIf((NOT (rated = true)), 2, (solved = true), 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE isNotNull(surveyed_at) AND isNotNull(surveyed_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_satisfaction_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was rated, or the time for that was over',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, with a score of 4 or 5',
    denominator Bool COMMENT 'counted at all; matters that a resident rated in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '满意率 Satisfaction rate: Of those who answered, the share who gave 4 or 5 of 5'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['silent'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, rated, region, score, surveyed_at, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, surveyed_at AS at_0, multiIf((NOT (rated = true)), 2, ifNull(score >= 4, false), 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE isNotNull(surveyed_at) AND isNotNull(surveyed_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_rework_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'sent back for rework at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '返工率 Rework rate: Of the matters first resolved in the period, those that were sent back for rework at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, reworks, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(reworks > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'resolved', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_return_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'returned at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '退单率 Return rate: Of the matters first resolved in the period, those that were returned at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, returns, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(returns > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_transfer_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'transferred at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '转办率 Transfer rate: Of the matters first resolved in the period, those that were transferred at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, state, transfers, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(transfers > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_extension_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'granted an extension at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '延期率 Extension rate: Of the matters first resolved in the period, those that were granted an extension at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, extensions, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(extensions > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_suspension_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'suspended at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '挂起率 Suspension rate: Of the matters first resolved in the period, those that were suspended at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, state, suspensions, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(suspensions > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_urge_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'urged at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '催办率 Urging rate: Of the matters first resolved in the period, those that were urged at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, state, untouched, urgency, urges FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(urges > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_escalation_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was first resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'escalated at least once',
    denominator Bool COMMENT 'counted at all; matters first resolved in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '升级率 Escalation rate: Of the matters first resolved in the period, those that were escalated at least once'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, escalations, first_handler, first_resolved_at, grid, holder, late_events, level, matter_class, number, origin, region, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, first_resolved_at AS at_0, multiIf(ifNull(escalations > 0, false), 1, 0) AS verdict_0, (state IN ('accepted', 'dispatched', 'issued', 'placed', 'verified')) AS undecided_0
FROM matters
WHERE isNotNull(first_resolved_at) AND isNotNull(first_resolved_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_reopening_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was closed',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'reopened since',
    denominator Bool COMMENT 'counted at all; matters closed in the period after a rating or without one',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '重启率 Reopening rate: Of the matters closed in the period, those reopened since'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, end, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, closed_at AS at_0, multiIf(isNotNull(reopened_at), 1, 0) AS verdict_0, (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false)) AS undecided_0
FROM matters
WHERE isNotNull(closed_at) AND (isNotNull(closed_at) AND (end IN ('rated', 'rating_lapsed')))
)
;

CREATE OR REPLACE VIEW liudan.kpi_repeat_concern_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, repeated concerns',
    denominator Bool COMMENT 'counted at all; tickets placed in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '重复诉求率 Repeat concerns: Tickets about one category at one grid (or region, where no grid is known) of which 3 or more were placed in one calendar month'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((cycle = 1 AND (if(grid = '', sipHash64(region), sipHash64(grid)), sipHash64(category), toStartOfMonth(filed_at)) IN (SELECT if(grid = '', sipHash64(region), sipHash64(grid)), sipHash64(category), toStartOfMonth(filed_at) FROM matters WHERE cycle = 1 GROUP BY ALL HAVING count() >= 3)), 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE isNotNull(filed_at) AND (cycle = 1)
)
;

CREATE OR REPLACE VIEW liudan.kpi_solved_at_grid
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'resolved by the grid',
    denominator Bool COMMENT 'counted at all; matters resolved in the period and not reopened since',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '网格办结占比 Solved at the grid: Of what was resolved in the period, as far as that stands, what the grid resolved'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, resolved_at, resolver_level, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, resolved_at AS at_0, multiIf(((origin != '') AND (NOT (resolver_level != ''))), 2, (resolver_level = 'grid'), 1, 0) AS verdict_0, ((NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) OR (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false))) AS undecided_0
FROM matters
WHERE isNotNull(resolved_at) AND (isNotNull(resolved_at) AND (NOT isNotNull(reopened_at)))
)
;

CREATE OR REPLACE VIEW liudan.kpi_solved_at_village
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'resolved by the village',
    denominator Bool COMMENT 'counted at all; matters resolved in the period and not reopened since',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '村（社区）办结占比 Solved at the village: Of what was resolved in the period, as far as that stands, what the village resolved'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, resolved_at, resolver_level, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, resolved_at AS at_0, multiIf(((origin != '') AND (NOT (resolver_level != ''))), 2, (resolver_level = 'village'), 1, 0) AS verdict_0, ((NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) OR (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false))) AS undecided_0
FROM matters
WHERE isNotNull(resolved_at) AND (isNotNull(resolved_at) AND (NOT isNotNull(reopened_at)))
)
;

CREATE OR REPLACE VIEW liudan.kpi_solved_at_township
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'resolved by the township',
    denominator Bool COMMENT 'counted at all; matters resolved in the period and not reopened since',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '乡镇（街道）办结占比 Solved at the township: Of what was resolved in the period, as far as that stands, what the township resolved'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, resolved_at, resolver_level, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, resolved_at AS at_0, multiIf(((origin != '') AND (NOT (resolver_level != ''))), 2, (resolver_level = 'township'), 1, 0) AS verdict_0, ((NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) OR (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false))) AS undecided_0
FROM matters
WHERE isNotNull(resolved_at) AND (isNotNull(resolved_at) AND (NOT isNotNull(reopened_at)))
)
;

CREATE OR REPLACE VIEW liudan.kpi_solved_at_department
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was resolved',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'resolved by the department',
    denominator Bool COMMENT 'counted at all; matters resolved in the period and not reopened since',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '部门办结占比 Solved at the department: Of what was resolved in the period, as far as that stands, what the department resolved'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, reopened_at, resolved_at, resolver_level, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, resolved_at AS at_0, multiIf(((origin != '') AND (NOT (resolver_level != ''))), 2, (resolver_level = 'department'), 1, 0) AS verdict_0, ((NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) OR (((state = 'closed') AND (NOT isNotNull(reopened_at))) AND ifNull((closed_at + INTERVAL 1296000 SECOND) > known_until, false))) AS undecided_0
FROM matters
WHERE isNotNull(resolved_at) AND (isNotNull(resolved_at) AND (NOT isNotNull(reopened_at)))
)
;

CREATE OR REPLACE VIEW liudan.kpi_response_time
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, taken up',
    denominator Bool COMMENT 'counted at all; tickets placed in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '响应时长 Time to respond: Plain time from placing until it was first taken up: verified, rejected or dispatched'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3, 4], ['imported', 'withdrawn', 'merged'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, filed_at, first_handler, first_step, grid, holder, late_events, level, matter_class, number, origin, region, responded_at, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((origin != ''), 2, (first_step = 'withdrawn'), 3, (first_step = 'merged'), 4, isNotNull(responded_at), 1, 0) AS verdict_0, ((NOT isNotNull(responded_at)) AND (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AS undecided_0, intDiv(if(toUnixTimestamp64Micro(coalesce(responded_at, closed_at, known_until)) < toUnixTimestamp64Micro(filed_at), 0, toUnixTimestamp64Micro(coalesce(responded_at, closed_at, known_until)) - toUnixTimestamp64Micro(filed_at)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND (cycle = 1)
)
;

CREATE OR REPLACE VIEW liudan.kpi_resolution_time
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed, or reopened',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, resolved',
    denominator Bool COMMENT 'counted at all; matters filed in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '办结时长 Time to resolve: Plain time, suspensions included, from filing until it was resolved; what is not is censored'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3], ['unknown-when', 'before-filing'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, resolved_at, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf(((NOT (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(coalesce(resolved_at, closed_at)))), 2, ifNull(resolved_at < filed_at, false), 3, isNotNull(resolved_at), 1, 0) AS verdict_0, (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) AS undecided_0, intDiv(if(toUnixTimestamp64Micro(coalesce(coalesce(resolved_at, closed_at), known_until)) < toUnixTimestamp64Micro(filed_at), 0, toUnixTimestamp64Micro(coalesce(coalesce(resolved_at, closed_at), known_until)) - toUnixTimestamp64Micro(filed_at)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND true
)
;

CREATE OR REPLACE VIEW liudan.kpi_time_at_grid
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed, or reopened',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, no longer there',
    denominator Bool COMMENT 'counted at all; matters filed in the period that came to that level',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '网格滞留时长 Time at the grid: Plain time, nights and holidays included and suspensions left out, that the grid held a matter, all its stretches together; what is still there is censored'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, filed_at, first_handler, grid, grid_microseconds, holder, holding, holding_since, late_events, level, matter_class, number, origin, region, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((origin != ''), 2, (NOT (holding = 'grid')), 1, 0) AS verdict_0, (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) AS undecided_0, intDiv((ifNull(grid_microseconds, 0) + ifNull(if(toUnixTimestamp64Micro(known_until) < toUnixTimestamp64Micro(if((holding = 'grid'), holding_since, NULL)), 0, toUnixTimestamp64Micro(known_until) - toUnixTimestamp64Micro(if((holding = 'grid'), holding_since, NULL))), 0)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND (ifNull(grid_microseconds > 0, false) OR (holding = 'grid'))
)
;

CREATE OR REPLACE VIEW liudan.kpi_time_at_village
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed, or reopened',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, no longer there',
    denominator Bool COMMENT 'counted at all; matters filed in the period that came to that level',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '村（社区）滞留时长 Time at the village: Plain time, nights and holidays included and suspensions left out, that the village held a matter, all its stretches together; what is still there is censored'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, filed_at, first_handler, grid, holder, holding, holding_since, late_events, level, matter_class, number, origin, region, state, untouched, urgency, village_microseconds FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((origin != ''), 2, (NOT (holding = 'village')), 1, 0) AS verdict_0, (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) AS undecided_0, intDiv((ifNull(village_microseconds, 0) + ifNull(if(toUnixTimestamp64Micro(known_until) < toUnixTimestamp64Micro(if((holding = 'village'), holding_since, NULL)), 0, toUnixTimestamp64Micro(known_until) - toUnixTimestamp64Micro(if((holding = 'village'), holding_since, NULL))), 0)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND (ifNull(village_microseconds > 0, false) OR (holding = 'village'))
)
;

CREATE OR REPLACE VIEW liudan.kpi_time_at_township
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed, or reopened',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, no longer there',
    denominator Bool COMMENT 'counted at all; matters filed in the period that came to that level',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '乡镇（街道）滞留时长 Time at the township: Plain time, nights and holidays included and suspensions left out, that the township held a matter, all its stretches together; what is still there is censored'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, filed_at, first_handler, grid, holder, holding, holding_since, late_events, level, matter_class, number, origin, region, state, township_microseconds, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((origin != ''), 2, (NOT (holding = 'township')), 1, 0) AS verdict_0, (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) AS undecided_0, intDiv((ifNull(township_microseconds, 0) + ifNull(if(toUnixTimestamp64Micro(known_until) < toUnixTimestamp64Micro(if((holding = 'township'), holding_since, NULL)), 0, toUnixTimestamp64Micro(known_until) - toUnixTimestamp64Micro(if((holding = 'township'), holding_since, NULL))), 0)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND (ifNull(township_microseconds > 0, false) OR (holding = 'township'))
)
;

CREATE OR REPLACE VIEW liudan.kpi_time_at_department
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed, or reopened',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, no longer there',
    denominator Bool COMMENT 'counted at all; matters filed in the period that came to that level',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '部门滞留时长 Time at the department: Plain time, nights and holidays included and suspensions left out, that the department held a matter, all its stretches together; what is still there is censored'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, cycle, department_microseconds, filed_at, first_handler, grid, holder, holding, holding_since, late_events, level, matter_class, number, origin, region, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((origin != ''), 2, (NOT (holding = 'department')), 1, 0) AS verdict_0, (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) AS undecided_0, intDiv((ifNull(department_microseconds, 0) + ifNull(if(toUnixTimestamp64Micro(known_until) < toUnixTimestamp64Micro(if((holding = 'department'), holding_since, NULL)), 0, toUnixTimestamp64Micro(known_until) - toUnixTimestamp64Micro(if((holding = 'department'), holding_since, NULL))), 0)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND (ifNull(department_microseconds > 0, false) OR (holding = 'department'))
)
;

CREATE OR REPLACE VIEW liudan.kpi_time_at_above
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when it was placed, or reopened',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, no longer there',
    denominator Bool COMMENT 'counted at all; matters filed in the period that came to that level',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '县州滞留时长 Time at the county and prefecture: Plain time, nights and holidays included and suspensions left out, that the county and prefecture held a matter, all its stretches together; what is still there is censored'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['imported'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT above_microseconds, category, channel, cycle, filed_at, first_handler, grid, holder, holding, holding_since, late_events, level, matter_class, number, origin, region, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, filed_at AS at_0, multiIf((origin != ''), 2, (NOT (holding = 'above')), 1, 0) AS verdict_0, (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn'))) AS undecided_0, intDiv((ifNull(above_microseconds, 0) + ifNull(if(toUnixTimestamp64Micro(known_until) < toUnixTimestamp64Micro(if((holding = 'above'), holding_since, NULL)), 0, toUnixTimestamp64Micro(known_until) - toUnixTimestamp64Micro(if((holding = 'above'), holding_since, NULL))), 0)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(filed_at) AND (ifNull(above_microseconds > 0, false) OR (holding = 'above'))
)
;

CREATE OR REPLACE VIEW liudan.kpi_emergency_response_time
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: when the emergency was declared',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, with an entry',
    denominator Bool COMMENT 'counted at all; matters for which an emergency was declared in the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '应急响应时长 Emergency response time: From declaring an emergency to the first entry in its response log; without one before it was stood down it is censored; of several emergencies of one matter the first'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [], [], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, emergency_at, emergency_over_at, emergency_response_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, emergency_at AS at_0, multiIf(((NOT ifNull(emergency_over_at < emergency_response_at, false)) AND isNotNull(emergency_response_at)), 1, 0) AS verdict_0, (((NOT ((NOT ifNull(emergency_over_at < emergency_response_at, false)) AND isNotNull(emergency_response_at))) AND (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(emergency_over_at))) AS undecided_0, intDiv(if(toUnixTimestamp64Micro(coalesce(if(((NOT ifNull(emergency_over_at < emergency_response_at, false)) AND isNotNull(emergency_response_at)), emergency_response_at, NULL), emergency_over_at, closed_at, known_until)) < toUnixTimestamp64Micro(emergency_at), 0, toUnixTimestamp64Micro(coalesce(if(((NOT ifNull(emergency_over_at < emergency_response_at, false)) AND isNotNull(emergency_response_at)), emergency_response_at, NULL), emergency_over_at, closed_at, known_until)) - toUnixTimestamp64Micro(emergency_at)), 1000000) AS seconds_0
FROM matters
WHERE isNotNull(emergency_at) AND isNotNull(emergency_at)
)
;

CREATE OR REPLACE VIEW liudan.kpi_backlog
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: the last moment of the period, or now if that is earlier',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'matters not resolved at the end of the period',
    denominator Bool COMMENT 'counted at all; –',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '在办量 Backlog: Matters filed and not yet resolved at the end of the period, suspended ones included'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 < 2 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['source-silent'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, resolved_at, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, at AS at_0, multiIf(ifNull(known_until < at, false), 2, false, 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE ((ifNull(filed_at <= at, false) AND (NOT ifNull(coalesce(resolved_at, closed_at) <= at, false))) AND (NOT ((NOT (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(coalesce(resolved_at, closed_at))))))
)
;

CREATE OR REPLACE VIEW liudan.kpi_backlog_age
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: the last moment of the period, or now if that is earlier',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'matters not resolved at the end of the period',
    denominator Bool COMMENT 'counted at all; matters not resolved at the end of the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '在办件龄 Age of the backlog: Plain time since filing of what is not yet resolved at the end'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2], ['source-silent'], '') AS excluded,
    undecided_0 AS undecided,
    seconds_0 AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, resolved_at, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, at AS at_0, multiIf(ifNull(known_until < at, false), 2, true, 1, 0) AS verdict_0, false AS undecided_0, intDiv(if(toUnixTimestamp64Micro(at) < toUnixTimestamp64Micro(filed_at), 0, toUnixTimestamp64Micro(at) - toUnixTimestamp64Micro(filed_at)), 1000000) AS seconds_0
FROM matters
WHERE ((ifNull(filed_at <= at, false) AND (NOT ifNull(coalesce(resolved_at, closed_at) <= at, false))) AND (NOT ((NOT (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(coalesce(resolved_at, closed_at))))))
)
;

CREATE OR REPLACE VIEW liudan.kpi_overdue_backlog_rate
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: the last moment of the period, or now if that is earlier',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'of them, past their limit',
    denominator Bool COMMENT 'counted at all; matters not resolved at the end of the period',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '在办超期率 Overdue share of the backlog: Of what is not resolved at the end, the share past its limit'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 = 1 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3], ['source-silent', 'no-limit'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT broken_due, category, channel, closed_at, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, resolve_due, resolved_at, state, suspended_at, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, at AS at_0, multiIf(ifNull(known_until < at, false), 2, ((NOT isNotNull(resolve_due)) AND (NOT isNotNull(broken_due))), 3, ((ifNull(resolve_due < at, false) AND (NOT ifNull(suspended_at <= resolve_due, false))) OR ifNull(broken_due < at, false)), 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE ((ifNull(filed_at <= at, false) AND (NOT ifNull(coalesce(resolved_at, closed_at) <= at, false))) AND (NOT ((NOT (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(coalesce(resolved_at, closed_at))))))
)
;

CREATE OR REPLACE VIEW liudan.kpi_first_handler_load
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT 'which time round: 1, and one more with every reopening',
    at DateTime64(6, 'Asia/Shanghai') COMMENT 'what puts it into a period: the last moment of the period, or now if that is earlier',
    region LowCardinality(String) COMMENT 'as in liudan.matters',
    grid LowCardinality(String) COMMENT 'as in liudan.matters',
    matter_class LowCardinality(String) COMMENT 'as in liudan.matters',
    category LowCardinality(String) COMMENT 'as in liudan.matters',
    channel LowCardinality(String) COMMENT 'as in liudan.matters',
    urgency LowCardinality(String) COMMENT 'as in liudan.matters',
    level LowCardinality(String) COMMENT 'as in liudan.matters',
    holder LowCardinality(String) COMMENT 'as in liudan.matters',
    first_handler LowCardinality(String) COMMENT 'as in liudan.matters',
    origin LowCardinality(String) COMMENT 'as in liudan.matters',
    numerator Bool COMMENT 'not resolved, with a named first handler',
    denominator Bool COMMENT 'counted at all; –',
    excluded LowCardinality(String) COMMENT 'why it is left out; empty when it is not',
    undecided Bool COMMENT 'whether it may still change the figure in the ordinary course of things',
    seconds Nullable(UInt64) COMMENT 'how long it took, or has taken so far where numerator is false',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
COMMENT '第一经办人在办量 First handlers'' load: Matters not resolved at the end with a named first handler; ask it by first handler'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    region, grid, matter_class, category, channel, urgency, level, holder, first_handler, origin,
    verdict_0 < 2 AS numerator,
    verdict_0 < 2 AS denominator,
    transform(verdict_0, [2, 3], ['source-silent', 'nobody-named'], '') AS excluded,
    undecided_0 AS undecided,
    NULL AS seconds,
    late_events
FROM (
WITH matters AS (SELECT category, channel, closed_at, cycle, filed_at, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, resolved_at, state, untouched, urgency FROM liudan.matters),
    if(untouched, least(now64(6, 'Asia/Shanghai'), ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), (SELECT groupArray((origin, known_until)) FROM liudan.origins FINAL)).2, now64(6, 'Asia/Shanghai'))), now64(6, 'Asia/Shanghai')) AS known_until, now64(6, 'Asia/Shanghai') AS at
SELECT category, channel, cycle, first_handler, grid, holder, late_events, level, matter_class, number, origin, region, urgency, at AS at_0, multiIf(ifNull(known_until < at, false), 2, (NOT (first_handler != '')), 3, false, 1, 0) AS verdict_0, false AS undecided_0
FROM matters
WHERE ((ifNull(filed_at <= at, false) AND (NOT ifNull(coalesce(resolved_at, closed_at) <= at, false))) AND (NOT ((NOT (NOT (state IN ('closed', 'merged', 'rejected', 'withdrawn')))) AND (NOT isNotNull(coalesce(resolved_at, closed_at))))))
)
;
