"""All measures, in the order of the table."""

from collections.abc import Sequence

from tests.benchmarks.commands_in_process import InProcessPostgres, InProcessSqlite
from tests.benchmarks.measure import Measure

MEASURES: Sequence[Measure] = (InProcessSqlite(), InProcessPostgres())
