"""The names of the tables in ClickHouse. What they are made of stands in `migrations/`, as SQL."""

EVENTS_TABLE = "liudan.ticket_events"
PARKED_TABLE = "liudan.parked"
POSITIONS_TABLE = "liudan.landing_positions"
MIGRATIONS_TABLE = "liudan.migrations"
ORIGINS_TABLE = "liudan.origins"
REGION_NAMES_TABLE = "liudan.region_names"
