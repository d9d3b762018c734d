-- Every ticket as its newest event leaves it. A nullable value is taken inside a tuple: argMax would pass over an
-- event that says NULL, and a reopened ticket would still be resolved.

CREATE OR REPLACE VIEW liudan.tickets
(
    number String COMMENT 'ticket number',
    version UInt32 COMMENT 'how many events it has',
    state LowCardinality(String) COMMENT 'its state'
)
COMMENT 'every ticket as its newest event leaves it'
AS SELECT
    number,
    max(sequence) AS version,
    argMax(state, sequence) AS state
FROM liudan.ticket_events
GROUP BY number
;
