-- The landing table and what its writer keeps beside it.
--
-- ticket_events is unpartitioned on purpose: with PARTITION BY an insert becomes several parts, and a kill
-- between them loses rows (measured). The aggregate projection is written with the part it belongs to, so that
-- it can never differ from it. Deduplication of inserts plays no role: positions come from the table itself.
-- A number begins with the county and the day of placing, so that sorting by it keeps both together, and a
-- ticket's events in their order: what asks ticket by ticket reads in order, without sorting (measured at 5M
-- events: half the time of an order by region).
-- The constraint is the fence of a rebuild: once another build stands under this name, a writer that has not
-- noticed yet is refused.

CREATE TABLE IF NOT EXISTS liudan.ticket_events
(
    event_id UUID COMMENT 'the event''s own id (UUIDv7), the same in Kafka and in the event store',
    type LowCardinality(String) COMMENT 'what happened, with its version: liudan.ticket.order-verified.v1',
    number String COMMENT 'ticket number, for example 622901-261123-7KQ4M',
    sequence UInt32 COMMENT 'version of the ticket after the event, gapless from 1',
    occurred_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when it happened',
    recorded_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when it was recorded; later than occurred_at where it was entered afterwards',
    command_id UUID COMMENT 'the command that made it happen; events of one command share it',
    correlation_id UUID COMMENT 'what all events of one piece of work share',
    causation_id UUID COMMENT 'the command or event that led to it',
    actor_role LowCardinality(String) COMMENT 'who acted: resident, grid_worker, village, township, department, county, prefecture, data_protection or system',
    actor_unit LowCardinality(String) COMMENT 'for which unit; empty for residents and the system',
    region LowCardinality(String) COMMENT 'from here to source_id: the ticket after the event. Region in digits: province 2, prefecture 4, county 6, township 9, village 12; foreign: us-nyc:queens:09',
    grid LowCardinality(String) COMMENT 'grid code, for example 622901001001-U003; empty where it is not known',
    category LowCardinality(String) COMMENT 'what the matter is about, for example roads.surface',
    matter_class LowCardinality(String) COMMENT 'simple, general, larger, difficult or cross_county; empty where the source of an import knows none',
    urgency LowCardinality(String) COMMENT 'normal or urgent',
    channel LowCardinality(String) COMMENT 'how the matter was reported: visit, phone, wechat, app, web, patrol, email, other or unknown',
    state LowCardinality(String) COMMENT 'placed, verified, issued, dispatched, accepted, resolved, fed_back, closed, rejected, withdrawn or merged',
    level LowCardinality(String) COMMENT 'level that has to act next: grid, village, township, department, county or prefecture; empty at an end',
    holder LowCardinality(String) COMMENT 'unit that has to act next; empty at an end',
    first_handler LowCardinality(String) COMMENT 'the officer who answers for the step (an officer''s code, never a resident)',
    cycle UInt32 COMMENT '1, and one more with every reopening',
    placed_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the matter was placed',
    stage_entered_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when the present state was entered',
    stage_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the order that is waited for is due',
    resolve_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the matter is due to be resolved',
    rating_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the resident''s time for rating ends',
    resolved_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was resolved in this cycle',
    closed_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it came to its end in this cycle, whatever end',
    suspended Bool COMMENT 'whether its clock stands still',
    emergency Bool COMMENT 'whether an emergency is declared',
    returns UInt32 COMMENT 'how often it was returned in this cycle',
    end LowCardinality(String) COMMENT 'rated, rating_lapsed, rejected, withdrawn, merged or imported_closed; empty while it is open',
    origin LowCardinality(String) COMMENT 'the system it was imported from; empty for our own',
    source_id String COMMENT 'its id in that system',
    outcome LowCardinality(String) COMMENT 'of matter-resolved: solved, partly_solved, explained or not_feasible, as the resolver says',
    resolver_level LowCardinality(String) COMMENT 'of matter-resolved: the level that resolved it',
    resolver LowCardinality(String) COMMENT 'of matter-resolved: the unit that resolved it',
    resolved_from LowCardinality(String) COMMENT 'of matter-resolved: the state it was resolved in, to which a rework goes back',
    solved Nullable(Bool) COMMENT 'of order-rated: whether the resident says it is solved',
    score Nullable(UInt8) COMMENT 'of order-rated: 1 to 5',
    reject_reason LowCardinality(String) COMMENT 'of order-rejected: not_real, duplicate, out_of_scope, in_litigation or too_vague',
    response_kind LowCardinality(String) COMMENT 'of response-logged: warning, report, tracking, instruction or aftermath',
    cohandler LowCardinality(String) COMMENT 'of co-handler-added: the unit',
    assigned_level LowCardinality(String) COMMENT 'of events that move the ticket: the level they give it to; of a case imported closed, whose it was',
    assigned_unit LowCardinality(String) COMMENT 'of events that move the ticket: the unit they give it to; of a case imported closed, whose it was',
    binding Bool COMMENT 'of order-dispatched: the county has ruled, it cannot be returned again',
    escalated_to LowCardinality(String) COMMENT 'of ticket-escalated: the level',
    paused_seconds Nullable(Float64) COMMENT 'of ticket-resumed: how long it was suspended, in seconds',
    extension_until Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'of extension-requested: the due time that is asked for',
    child String COMMENT 'of tickets-merged and tickets-unmerged: the number of the ticket that was merged into the other',
    parent String COMMENT 'of tickets-merged and tickets-unmerged: the number of the ticket that goes on',
    policy LowCardinality(String) COMMENT 'of events that state deadlines: the version of the policy',
    calendar LowCardinality(String) COMMENT 'of events that state deadlines: the version of the calendar',
    provisional Bool COMMENT 'of events that state deadlines: they rest on a year whose holidays are not published yet',
    store_position UInt64 COMMENT 'position in the event store, 0 when the log does not say',
    log_partition UInt16 COMMENT 'partition of the log it was read from',
    log_offset UInt64 COMMENT 'offset there',
    build UInt32 DEFAULT 1 COMMENT 'which build of the analytics the row belongs to; a rebuild counts on',
    landed_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'when it became visible here',
    CONSTRAINT of_this_build CHECK build = 1,
    INDEX regions region TYPE set(64),
    INDEX moments occurred_at TYPE minmax,
    PROJECTION landed
    (SELECT log_partition, max(log_offset), max(store_position), count() GROUP BY log_partition)
)
ENGINE = MergeTree
ORDER BY (number, sequence)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per event, written once by the landing; no personal data';

CREATE TABLE IF NOT EXISTS liudan.parked
(
    number String COMMENT 'ticket number',
    standing Enum8('parked' = 1, 'releasing' = 2, 'released' = 3) COMMENT 'what is to become of its events',
    reason String COMMENT 'why its first event could not be read',
    build UInt32 DEFAULT 1 COMMENT 'for which build of the analytics',
    changed_at DateTime64(9, 'Asia/Shanghai') DEFAULT now64(9) COMMENT 'the newest row of a ticket counts'
)
ENGINE = MergeTree
ORDER BY (number, changed_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'tickets whose later events wait behind one that cannot be read';

CREATE TABLE IF NOT EXISTS liudan.landing_positions
(
    log_partition UInt16 COMMENT 'partition of the log',
    next_offset UInt64 COMMENT 'the offset that comes next there',
    build UInt32 DEFAULT 1 COMMENT 'for which build of the analytics',
    changed_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'when it was written'
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (build, log_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'how far the log is done where its last records left no row: they were parked';

CREATE TABLE IF NOT EXISTS liudan.origins
(
    origin String COMMENT 'a system that cases were imported from',
    known_until DateTime64(6, 'Asia/Shanghai') COMMENT 'when that system last spoke: until then it is known what became of its cases',
    changed_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'the newest row of an origin counts'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY origin
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'the systems that cases were imported from, and up to when those are known';
