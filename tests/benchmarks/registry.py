"""All measures, in the order of the table."""

from collections.abc import Sequence

from tests.benchmarks.commands_in_process import InProcessPostgres, InProcessSqlite
from tests.benchmarks.commands_over_http import OverHttp
from tests.benchmarks.deadlines_cost import DeadlinesCost
from tests.benchmarks.due_timers import DueTimers
from tests.benchmarks.history import FullHistory
from tests.benchmarks.indicators import IndicatorsOverAYear
from tests.benchmarks.lag import LagToAnalysts, LagToList
from tests.benchmarks.landing import LandingInClickHouse
from tests.benchmarks.measure import Measure
from tests.benchmarks.prefecture_report import PrefectureReport
from tests.benchmarks.projection import TicketState
from tests.benchmarks.rebuild import RebuildOfTheAnalytics
from tests.benchmarks.relay import RelayToKafka
from tests.benchmarks.replay import ReplayOfALongHistory
from tests.benchmarks.sealing import SealingCost
from tests.benchmarks.transparency import AuditVerify, InclusionProof, LogFollowing, LogRebuild

MEASURES: Sequence[Measure] = (
    InProcessSqlite(),
    InProcessPostgres(),
    OverHttp(),
    RelayToKafka(),
    TicketState(),
    LandingInClickHouse(),
    RebuildOfTheAnalytics(),
    LagToList(),
    LagToAnalysts(),
    FullHistory(),
    ReplayOfALongHistory(),
    DeadlinesCost(),
    DueTimers(),
    SealingCost(),
    LogFollowing(),
    LogRebuild(),
    InclusionProof(),
    AuditVerify(),
    IndicatorsOverAYear(),
    PrefectureReport(),
)
