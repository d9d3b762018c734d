-- Matters 件次: a row for every ticket and cycle, with what the indicators count. A row is a function of its
-- ticket's events alone, so that it can be written again at any time and is the same.
--
-- settled_matters is rewritten as a whole, in settled_matters_next, and swapped in; recent_matters has the
-- tickets that have moved since, and wins. Whatever a kill leaves behind, both together are right up to the offsets in matter_positions, which
-- are written last. The view liudan.matters puts them together.

CREATE TABLE IF NOT EXISTS liudan.settled_matters
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT '1, and one more with every reopening',
    version UInt32 COMMENT 'the sequence of the ticket''s newest event that is in the row',
    area LowCardinality(String) COMMENT 'the county, or a foreign scheme''s root: the part of the place that never changes',
    region LowCardinality(String) COMMENT 'region code after its last event',
    grid LowCardinality(String) COMMENT 'grid code; empty where it is not known',
    category LowCardinality(String) COMMENT 'what it is about',
    matter_class LowCardinality(String) COMMENT 'simple, general, larger, difficult or cross_county; empty where a source knows none',
    urgency LowCardinality(String) COMMENT 'normal or urgent',
    channel LowCardinality(String) COMMENT 'how it was reported',
    level LowCardinality(String) COMMENT 'of the unit that answers for it 承办: the one that resolved it, else the last one that held it',
    holder LowCardinality(String) COMMENT 'the unit at that level',
    first_handler LowCardinality(String) COMMENT 'the one who was named last',
    state LowCardinality(String) COMMENT 'after its last event',
    end LowCardinality(String) COMMENT 'how it ended; empty while it is open',
    origin LowCardinality(String) COMMENT 'the system it was imported from; empty for our own',
    untouched Bool COMMENT 'whether it was imported and nothing has happened to it here since',
    filed_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when it was placed, or reopened',
    first_step LowCardinality(String) COMMENT 'the first state after placed; of a reopened matter, the one it was reopened to',
    respond_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'until when somebody had to verify it on the spot; unknown for what was imported',
    responded_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when first_step was reached',
    resolve_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it is or was due to be resolved',
    broken_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first due time that had passed before it was moved: a broken limit stays broken',
    first_resolved_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first time somebody here said that it was solved, also if that did not stand',
    resolved_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was resolved, as far as that stands; for what was imported, when its source closed it',
    closed_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was closed, rejected, withdrawn or merged, as far as that stands',
    reopened_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the ticket''s next matter began',
    suspended_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'since when it is suspended; null when it is not',
    outcome LowCardinality(String) COMMENT 'what the resolver says; empty unless it is resolved',
    resolver_level LowCardinality(String) COMMENT 'empty unless it is resolved',
    resolver LowCardinality(String) COMMENT 'the unit',
    surveyed_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the resident had rated it, or the time for that was over',
    rated Bool COMMENT 'whether the resident has rated it',
    solved Bool COMMENT 'what the resident said; false unless rated',
    score UInt8 COMMENT '1 to 5; 0 unless rated',
    reworks UInt16 COMMENT 'how often it was sent back after it had been resolved',
    returns UInt16 COMMENT 'how often it was returned',
    transfers UInt16 COMMENT 'how often it was transferred',
    extensions UInt16 COMMENT 'granted',
    suspensions UInt16 COMMENT 'how often it was suspended',
    urges UInt16 COMMENT 'how often it was urged',
    escalations UInt16 COMMENT 'how often it was escalated',
    emergency_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when an emergency was first declared',
    emergency_response_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first entry in the response log after that',
    emergency_over_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first time the emergency was stood down',
    grid_microseconds UInt64 COMMENT 'how long the grid held it, in stretches that are over: plain time, suspensions left out',
    village_microseconds UInt64 COMMENT 'the same of the village',
    township_microseconds UInt64 COMMENT 'the same of the township',
    department_microseconds UInt64 COMMENT 'the same of the department',
    above_microseconds UInt64 COMMENT 'county and prefecture',
    holding LowCardinality(String) COMMENT 'the level that holds it still, suspended or not; empty when nobody does',
    holding_since Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'since when the last stretch runs; None while it is suspended, and when nobody holds it',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
ENGINE = MergeTree
ORDER BY (region, number, cycle)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'matters as they were when the table was last rewritten; ask liudan.matters';

CREATE TABLE IF NOT EXISTS liudan.settled_matters_next AS liudan.settled_matters;

CREATE TABLE IF NOT EXISTS liudan.recent_matters
(
    number String COMMENT 'ticket number',
    cycle UInt32 COMMENT '1, and one more with every reopening',
    version UInt32 COMMENT 'the sequence of the ticket''s newest event that is in the row',
    area LowCardinality(String) COMMENT 'the county, or a foreign scheme''s root: the part of the place that never changes',
    region LowCardinality(String) COMMENT 'region code after its last event',
    grid LowCardinality(String) COMMENT 'grid code; empty where it is not known',
    category LowCardinality(String) COMMENT 'what it is about',
    matter_class LowCardinality(String) COMMENT 'simple, general, larger, difficult or cross_county; empty where a source knows none',
    urgency LowCardinality(String) COMMENT 'normal or urgent',
    channel LowCardinality(String) COMMENT 'how it was reported',
    level LowCardinality(String) COMMENT 'of the unit that answers for it 承办: the one that resolved it, else the last one that held it',
    holder LowCardinality(String) COMMENT 'the unit at that level',
    first_handler LowCardinality(String) COMMENT 'the one who was named last',
    state LowCardinality(String) COMMENT 'after its last event',
    end LowCardinality(String) COMMENT 'how it ended; empty while it is open',
    origin LowCardinality(String) COMMENT 'the system it was imported from; empty for our own',
    untouched Bool COMMENT 'whether it was imported and nothing has happened to it here since',
    filed_at DateTime64(6, 'Asia/Shanghai') COMMENT 'when it was placed, or reopened',
    first_step LowCardinality(String) COMMENT 'the first state after placed; of a reopened matter, the one it was reopened to',
    respond_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'until when somebody had to verify it on the spot; unknown for what was imported',
    responded_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when first_step was reached',
    resolve_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it is or was due to be resolved',
    broken_due Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first due time that had passed before it was moved: a broken limit stays broken',
    first_resolved_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first time somebody here said that it was solved, also if that did not stand',
    resolved_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was resolved, as far as that stands; for what was imported, when its source closed it',
    closed_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when it was closed, rejected, withdrawn or merged, as far as that stands',
    reopened_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the ticket''s next matter began',
    suspended_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'since when it is suspended; null when it is not',
    outcome LowCardinality(String) COMMENT 'what the resolver says; empty unless it is resolved',
    resolver_level LowCardinality(String) COMMENT 'empty unless it is resolved',
    resolver LowCardinality(String) COMMENT 'the unit',
    surveyed_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when the resident had rated it, or the time for that was over',
    rated Bool COMMENT 'whether the resident has rated it',
    solved Bool COMMENT 'what the resident said; false unless rated',
    score UInt8 COMMENT '1 to 5; 0 unless rated',
    reworks UInt16 COMMENT 'how often it was sent back after it had been resolved',
    returns UInt16 COMMENT 'how often it was returned',
    transfers UInt16 COMMENT 'how often it was transferred',
    extensions UInt16 COMMENT 'granted',
    suspensions UInt16 COMMENT 'how often it was suspended',
    urges UInt16 COMMENT 'how often it was urged',
    escalations UInt16 COMMENT 'how often it was escalated',
    emergency_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'when an emergency was first declared',
    emergency_response_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first entry in the response log after that',
    emergency_over_at Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'the first time the emergency was stood down',
    grid_microseconds UInt64 COMMENT 'how long the grid held it, in stretches that are over: plain time, suspensions left out',
    village_microseconds UInt64 COMMENT 'the same of the village',
    township_microseconds UInt64 COMMENT 'the same of the township',
    department_microseconds UInt64 COMMENT 'the same of the department',
    above_microseconds UInt64 COMMENT 'county and prefecture',
    holding LowCardinality(String) COMMENT 'the level that holds it still, suspended or not; empty when nobody does',
    holding_since Nullable(DateTime64(6, 'Asia/Shanghai')) COMMENT 'since when the last stretch runs; None while it is suspended, and when nobody holds it',
    late_events UInt16 COMMENT 'how many of its events were recorded more than 24 hours after they happened'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (number, cycle)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'matters that have moved since, newer than the settled ones; ask liudan.matters';

CREATE TABLE IF NOT EXISTS liudan.matter_positions
(
    log_partition UInt16 COMMENT 'partition of the log',
    next_offset UInt64 COMMENT 'events before this offset are in the matters',
    events UInt64 COMMENT 'how many events of the partition had landed then',
    store_position UInt64 COMMENT 'newest position in the event store then, 0 when the log does not say',
    build UInt32 COMMENT 'of which build of the analytics',
    made_by String COMMENT 'digest of the statement that makes matters of events; with another one all are made anew',
    changed_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'the newest row of a partition counts'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY log_partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'up to where in the log the matters are right';
