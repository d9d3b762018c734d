-- Every region that has a name or a ticket, and all above it.

CREATE OR REPLACE VIEW liudan.regions
(
    code String COMMENT 'region code, as in ticket_events.region',
    name_zh String COMMENT 'Chinese name; empty where it is not known',
    name_en String COMMENT 'English name; empty where it is not known',
    scheme LowCardinality(String) COMMENT 'cn for Chinese codes (GB/T 2260 and 10114), else the root of the foreign scheme',
    depth UInt8 COMMENT '1 for a province or the root of a foreign scheme, and so on down',
    kind LowCardinality(String) COMMENT 'province, prefecture, county, township or village; empty in a foreign scheme',
    parent String COMMENT 'code of the region it lies in; empty at the top',
    path Array(String) COMMENT 'codes from the top down to itself',
    valid_from Nullable(Date32) COMMENT 'first day on which the code meant this; NULL where it is not known',
    valid_to Nullable(Date32) COMMENT 'last day on which it did; NULL while it does'
)
COMMENT 'every region that has a name or a ticket, with its place in the hierarchy'
AS WITH
    seen AS
    (
        SELECT DISTINCT region::String AS code FROM liudan.ticket_events
        UNION DISTINCT
        SELECT DISTINCT code FROM liudan.region_names
    ),
    paths AS
    (
        SELECT
            if(match(code, '^[0-9]'),
               arrayMap(n -> substring(code, 1, n), arrayFilter(n -> n <= length(code), [2, 4, 6, 9, 12])),
               arrayMap(n -> arrayStringConcat(arraySlice(splitByChar(':', code), 1, n), ':'), range(1, length(splitByChar(':', code)) + 1))) AS path
        FROM seen
    ),
    places AS
    (
        SELECT DISTINCT arrayJoin(arrayMap(n -> arraySlice(path, 1, n), arrayEnumerate(path))) AS path
        FROM paths
    )
SELECT
    p.path[-1] AS code,
    n.name_zh AS name_zh,
    n.name_en AS name_en,
    if(match(p.path[1], '^[0-9]'), 'cn', p.path[1]) AS scheme,
    length(p.path) AS depth,
    if(scheme = 'cn', ['province', 'prefecture', 'county', 'township', 'village'][length(p.path)], '') AS kind,
    if(length(p.path) > 1, p.path[-2], '') AS parent,
    p.path AS path,
    if(n.code = '' OR n.valid_from = '1900-01-01', NULL, n.valid_from) AS valid_from,
    n.valid_to AS valid_to
FROM places AS p
LEFT JOIN (SELECT * FROM liudan.region_names FINAL) AS n ON n.code = p.path[-1];
