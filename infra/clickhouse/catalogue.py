"""What the endpoint shows of itself: reduced views in place of the system tables that tell too much.

A statement's `system.tables` is read as `catalogue.tables`: the names and columns of our tables, without the
paths on this machine. `processes` has the query ids and users of our clients, which the engine, whose
requests all come from one user, knows by the `log_comment` that they run under.
"""

DATABASE = "liudan"
CATALOGUE = "catalogue"

# Read in place of the system table of that name, by the analyst and by everybody.
FOR_ANALYSTS = frozenset({"columns", "databases", "tables"})
FOR_ALL = frozenset({"processes"})

# System tables that the analyst may read as they are: they describe the engine, not this machine.
OPEN_SYSTEM_TABLES = frozenset(
    {"data_type_families", "formats", "functions", "numbers", "one", "settings", "time_zones"}
)

CATALOGUE_VIEWS = (
    f"""
CREATE VIEW {CATALOGUE}.tables AS
SELECT database, name, uuid, engine, is_temporary, create_table_query, engine_full, as_select, partition_key,
    sorting_key, primary_key, sampling_key, total_rows, total_bytes, comment, has_own_data,
    metadata_modification_time, parameterized_view_parameters, database AS table_schema, name AS table_name
FROM system.tables WHERE database = '{DATABASE}'
""",  # noqa: S608 - only our own names
    f"""
CREATE VIEW {CATALOGUE}.columns AS
SELECT database, table, name, type, position, default_kind, default_expression, data_compressed_bytes,
    data_uncompressed_bytes, comment, is_in_partition_key, is_in_sorting_key, is_in_primary_key,
    is_in_sampling_key, compression_codec, numeric_precision, numeric_scale, datetime_precision
FROM system.columns WHERE database = '{DATABASE}'
""",  # noqa: S608 - only our own names
    f"""
CREATE VIEW {CATALOGUE}.databases AS
SELECT name, engine, uuid, engine_full, comment FROM system.databases WHERE name = '{DATABASE}'
""",  # noqa: S608 - only our own names
    f"""
CREATE VIEW {CATALOGUE}.processes AS
SELECT * REPLACE
(
    substring(Settings['log_comment'], position(Settings['log_comment'], ':') + 1) AS query_id,
    substringIndex(Settings['log_comment'], ':', 1) AS user,
    replaceRegexpOne(query, '\\nINTO OUTFILE [^\\n]* TRUNCATE', '') AS query
), Settings['log_comment'] AS running_as
FROM system.processes WHERE Settings['log_comment'] != ''
""",  # noqa: S608 - only our own names
)
