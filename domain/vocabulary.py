"""The closed word lists of the field: states, levels, roles, classes. Chinese terms stand here once."""

from enum import StrEnum


class State(StrEnum):
    """Where a ticket is on its way through the six orders 六单."""

    PLACED = "placed"  # 点单
    VERIFIED = "verified"  # 核单
    ISSUED = "issued"  # 下单
    DISPATCHED = "dispatched"  # 派单
    ACCEPTED = "accepted"  # 接单
    RESOLVED = "resolved"  # 办结
    FED_BACK = "fed_back"  # 反馈
    CLOSED = "closed"  # 评单, or the rating lapsed
    REJECTED = "rejected"  # 不予受理
    WITHDRAWN = "withdrawn"  # 撤单
    MERGED = "merged"  # 并单


ENDED = frozenset({State.CLOSED, State.REJECTED, State.WITHDRAWN, State.MERGED})
UNRESOLVED = frozenset({State.PLACED, State.VERIFIED, State.ISSUED, State.DISPATCHED, State.ACCEPTED})
OPEN = frozenset(State) - ENDED


class Level(StrEnum):
    """Who can hold a ticket, from the doorstep upward."""

    GRID = "grid"  # 网格
    VILLAGE = "village"  # 村（社区）
    TOWNSHIP = "township"  # 乡镇（街道）
    DEPARTMENT = "department"  # 部门
    COUNTY = "county"  # 县市
    PREFECTURE = "prefecture"  # 州


class Role(StrEnum):
    """What an actor is when acting."""

    RESIDENT = "resident"  # 群众
    GRID_WORKER = "grid_worker"  # 网格员
    VILLAGE = "village"  # 村（社区）
    TOWNSHIP = "township"  # 乡镇（街道）综治中心
    DEPARTMENT = "department"  # 部门
    COUNTY = "county"  # 县市综治中心
    PREFECTURE = "prefecture"  # 州综治中心
    DATA_PROTECTION = "data_protection"  # 个人信息保护
    SYSTEM = "system"  # 系统


class MatterClass(StrEnum):
    """The five classes of a matter, each with its own deadline."""

    SIMPLE = "simple"  # 简单
    GENERAL = "general"  # 一般
    LARGER = "larger"  # 较大
    DIFFICULT = "difficult"  # 疑难
    CROSS_COUNTY = "cross_county"  # 跨县市


class Urgency(StrEnum):
    """How fast somebody must look at it."""

    NORMAL = "normal"  # 普通
    URGENT = "urgent"  # 紧急


class Weight(StrEnum):
    """How much there is to do, as the grid worker judges it on the spot."""

    LIGHT = "light"  # 轻
    ORDINARY = "ordinary"  # 中
    HEAVY = "heavy"  # 重


class Channel(StrEnum):
    """How the matter reached the grid."""

    VISIT = "visit"  # 上门
    PHONE = "phone"  # 电话, 12345
    WECHAT = "wechat"  # 微信小程序
    APP = "app"
    WEB = "web"
    PATROL = "patrol"  # 巡查
    EMAIL = "email"
    OTHER = "other"
    UNKNOWN = "unknown"


class RejectReason(StrEnum):
    """Why a matter is not taken 不予受理."""

    NOT_REAL = "not_real"  # 情况不实
    DUPLICATE = "duplicate"  # 重复
    OUT_OF_SCOPE = "out_of_scope"  # 不属受理范围
    IN_LITIGATION = "in_litigation"  # 已进入诉讼、仲裁、复议
    TOO_VAGUE = "too_vague"  # 信息不清且无法联系


class Outcome(StrEnum):
    """What the resolver says became of the matter; the resident's rating may say otherwise."""

    SOLVED = "solved"  # 已解决
    PARTLY_SOLVED = "partly_solved"  # 部分解决
    EXPLAINED = "explained"  # 解释说明
    NOT_FEASIBLE = "not_feasible"  # 暂不具备条件


class ResponseKind(StrEnum):
    """What an entry in the response log of an emergency 应急处置记录 is about."""

    WARNING = "warning"  # 预警
    REPORT = "report"  # 信息报告
    TRACKING = "tracking"  # 跟踪处置
    INSTRUCTION = "instruction"  # 指令
    AFTERMATH = "aftermath"  # 善后


class End(StrEnum):
    """How a ticket ended."""

    RATED = "rated"
    RATING_LAPSED = "rating_lapsed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    IMPORTED_CLOSED = "imported_closed"


class Unit(StrEnum):
    """What a limit is counted in."""

    URGENT_WORKING_HOUR = "urgent_working_hour"  # 紧急工作时: round the clock
    WORKING_HOUR = "working_hour"  # 工作时
    WORKING_DAY = "working_day"  # 工作日
    CALENDAR_DAY = "calendar_day"  # 自然日


class ClockKind(StrEnum):
    """What a clock measures. An order's clock is named for the order that is waited for."""

    RESOLVE = "resolve"  # the whole matter
    VERIFY = "verify"
    ISSUE = "issue"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    FEED_BACK = "feed_back"
    RATING = "rating"  # the resident's own time: silence is nobody's breach


STAGE_CLOCK = {
    State.PLACED: ClockKind.VERIFY,
    State.VERIFIED: ClockKind.ISSUE,
    State.ISSUED: ClockKind.DISPATCH,
    State.DISPATCHED: ClockKind.ACCEPT,
    State.RESOLVED: ClockKind.FEED_BACK,
}
