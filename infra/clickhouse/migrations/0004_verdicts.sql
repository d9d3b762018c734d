-- What the indicators ask again and again is kept with every matter: what becomes of it in each indicator whose
-- definition looks at nothing but its events, and a hash of its number, by which it is found among the recent ones.
--
-- No matter has them yet: all are made anew by whoever keeps them. Until then the tables are empty, and figures
-- say that they are behind.

ALTER TABLE liudan.settled_matters DROP PARTITION tuple();

ALTER TABLE liudan.settled_matters
    ADD COLUMN IF NOT EXISTS number_hash UInt32 COMMENT '32 bits of the number''s SipHash: two tickets may share them',
    ADD COLUMN IF NOT EXISTS verdict_closing_rate UInt8 COMMENT 'of liudan.kpi_closing_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: rejected, 4 left out: withdrawn, 5 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_on_time_rate UInt8 COMMENT 'of liudan.kpi_on_time_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: rejected, 4 left out: withdrawn, 5 left out: merged, 6 left out: unknown-when',
    ADD COLUMN IF NOT EXISTS verdict_response_rate UInt8 COMMENT 'of liudan.kpi_response_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: withdrawn, 4 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_solution_rate UInt8 COMMENT 'of liudan.kpi_solution_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: silent',
    ADD COLUMN IF NOT EXISTS verdict_satisfaction_rate UInt8 COMMENT 'of liudan.kpi_satisfaction_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: silent',
    ADD COLUMN IF NOT EXISTS verdict_rework_rate UInt8 COMMENT 'of liudan.kpi_rework_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_return_rate UInt8 COMMENT 'of liudan.kpi_return_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_transfer_rate UInt8 COMMENT 'of liudan.kpi_transfer_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_extension_rate UInt8 COMMENT 'of liudan.kpi_extension_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_suspension_rate UInt8 COMMENT 'of liudan.kpi_suspension_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_urge_rate UInt8 COMMENT 'of liudan.kpi_urge_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_escalation_rate UInt8 COMMENT 'of liudan.kpi_escalation_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_reopening_rate UInt8 COMMENT 'of liudan.kpi_reopening_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_grid UInt8 COMMENT 'of liudan.kpi_solved_at_grid, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_village UInt8 COMMENT 'of liudan.kpi_solved_at_village, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_township UInt8 COMMENT 'of liudan.kpi_solved_at_township, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_department UInt8 COMMENT 'of liudan.kpi_solved_at_department, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_response_time UInt8 COMMENT 'of liudan.kpi_response_time, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported, 3 left out: withdrawn, 4 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_resolution_time UInt8 COMMENT 'of liudan.kpi_resolution_time, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: unknown-when, 3 left out: before-filing',
    ADD COLUMN IF NOT EXISTS verdict_time_at_grid UInt8 COMMENT 'of liudan.kpi_time_at_grid, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_village UInt8 COMMENT 'of liudan.kpi_time_at_village, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_township UInt8 COMMENT 'of liudan.kpi_time_at_township, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_department UInt8 COMMENT 'of liudan.kpi_time_at_department, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_above UInt8 COMMENT 'of liudan.kpi_time_at_above, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_emergency_response_time UInt8 COMMENT 'of liudan.kpi_emergency_response_time, for a matter that belongs to it: 0 counted, 1 in the numerator'
;

ALTER TABLE liudan.settled_matters_next DROP PARTITION tuple();

ALTER TABLE liudan.settled_matters_next
    ADD COLUMN IF NOT EXISTS number_hash UInt32 COMMENT '32 bits of the number''s SipHash: two tickets may share them',
    ADD COLUMN IF NOT EXISTS verdict_closing_rate UInt8 COMMENT 'of liudan.kpi_closing_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: rejected, 4 left out: withdrawn, 5 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_on_time_rate UInt8 COMMENT 'of liudan.kpi_on_time_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: rejected, 4 left out: withdrawn, 5 left out: merged, 6 left out: unknown-when',
    ADD COLUMN IF NOT EXISTS verdict_response_rate UInt8 COMMENT 'of liudan.kpi_response_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: withdrawn, 4 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_solution_rate UInt8 COMMENT 'of liudan.kpi_solution_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: silent',
    ADD COLUMN IF NOT EXISTS verdict_satisfaction_rate UInt8 COMMENT 'of liudan.kpi_satisfaction_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: silent',
    ADD COLUMN IF NOT EXISTS verdict_rework_rate UInt8 COMMENT 'of liudan.kpi_rework_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_return_rate UInt8 COMMENT 'of liudan.kpi_return_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_transfer_rate UInt8 COMMENT 'of liudan.kpi_transfer_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_extension_rate UInt8 COMMENT 'of liudan.kpi_extension_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_suspension_rate UInt8 COMMENT 'of liudan.kpi_suspension_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_urge_rate UInt8 COMMENT 'of liudan.kpi_urge_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_escalation_rate UInt8 COMMENT 'of liudan.kpi_escalation_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_reopening_rate UInt8 COMMENT 'of liudan.kpi_reopening_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_grid UInt8 COMMENT 'of liudan.kpi_solved_at_grid, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_village UInt8 COMMENT 'of liudan.kpi_solved_at_village, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_township UInt8 COMMENT 'of liudan.kpi_solved_at_township, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_department UInt8 COMMENT 'of liudan.kpi_solved_at_department, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_response_time UInt8 COMMENT 'of liudan.kpi_response_time, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported, 3 left out: withdrawn, 4 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_resolution_time UInt8 COMMENT 'of liudan.kpi_resolution_time, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: unknown-when, 3 left out: before-filing',
    ADD COLUMN IF NOT EXISTS verdict_time_at_grid UInt8 COMMENT 'of liudan.kpi_time_at_grid, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_village UInt8 COMMENT 'of liudan.kpi_time_at_village, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_township UInt8 COMMENT 'of liudan.kpi_time_at_township, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_department UInt8 COMMENT 'of liudan.kpi_time_at_department, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_above UInt8 COMMENT 'of liudan.kpi_time_at_above, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_emergency_response_time UInt8 COMMENT 'of liudan.kpi_emergency_response_time, for a matter that belongs to it: 0 counted, 1 in the numerator'
;

ALTER TABLE liudan.recent_matters DROP PARTITION tuple();

ALTER TABLE liudan.recent_matters
    ADD COLUMN IF NOT EXISTS number_hash UInt32 COMMENT '32 bits of the number''s SipHash: two tickets may share them',
    ADD COLUMN IF NOT EXISTS verdict_closing_rate UInt8 COMMENT 'of liudan.kpi_closing_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: rejected, 4 left out: withdrawn, 5 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_on_time_rate UInt8 COMMENT 'of liudan.kpi_on_time_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: rejected, 4 left out: withdrawn, 5 left out: merged, 6 left out: unknown-when',
    ADD COLUMN IF NOT EXISTS verdict_response_rate UInt8 COMMENT 'of liudan.kpi_response_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: suspended, 3 left out: withdrawn, 4 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_solution_rate UInt8 COMMENT 'of liudan.kpi_solution_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: silent',
    ADD COLUMN IF NOT EXISTS verdict_satisfaction_rate UInt8 COMMENT 'of liudan.kpi_satisfaction_rate, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: silent',
    ADD COLUMN IF NOT EXISTS verdict_rework_rate UInt8 COMMENT 'of liudan.kpi_rework_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_return_rate UInt8 COMMENT 'of liudan.kpi_return_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_transfer_rate UInt8 COMMENT 'of liudan.kpi_transfer_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_extension_rate UInt8 COMMENT 'of liudan.kpi_extension_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_suspension_rate UInt8 COMMENT 'of liudan.kpi_suspension_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_urge_rate UInt8 COMMENT 'of liudan.kpi_urge_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_escalation_rate UInt8 COMMENT 'of liudan.kpi_escalation_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_reopening_rate UInt8 COMMENT 'of liudan.kpi_reopening_rate, for a matter that belongs to it: 0 counted, 1 in the numerator',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_grid UInt8 COMMENT 'of liudan.kpi_solved_at_grid, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_village UInt8 COMMENT 'of liudan.kpi_solved_at_village, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_township UInt8 COMMENT 'of liudan.kpi_solved_at_township, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_solved_at_department UInt8 COMMENT 'of liudan.kpi_solved_at_department, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_response_time UInt8 COMMENT 'of liudan.kpi_response_time, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported, 3 left out: withdrawn, 4 left out: merged',
    ADD COLUMN IF NOT EXISTS verdict_resolution_time UInt8 COMMENT 'of liudan.kpi_resolution_time, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: unknown-when, 3 left out: before-filing',
    ADD COLUMN IF NOT EXISTS verdict_time_at_grid UInt8 COMMENT 'of liudan.kpi_time_at_grid, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_village UInt8 COMMENT 'of liudan.kpi_time_at_village, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_township UInt8 COMMENT 'of liudan.kpi_time_at_township, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_department UInt8 COMMENT 'of liudan.kpi_time_at_department, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_time_at_above UInt8 COMMENT 'of liudan.kpi_time_at_above, for a matter that belongs to it: 0 counted, 1 in the numerator, 2 left out: imported',
    ADD COLUMN IF NOT EXISTS verdict_emergency_response_time UInt8 COMMENT 'of liudan.kpi_emergency_response_time, for a matter that belongs to it: 0 counted, 1 in the numerator'
;

CREATE OR REPLACE TABLE liudan.matter_positions
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
