"""How people call the events, in Chinese and English, as on a timeline."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from domain.vocabulary import Role


class Name(NamedTuple):
    """One thing in both languages."""

    chinese: str
    english: str


EVENT_NAMES: Final[Mapping[str, Name]] = {
    "order-placed": Name("点单", "Placed"),
    "order-verified": Name("核单", "Verified"),
    "order-rejected": Name("不予受理", "Rejected"),
    "order-issued": Name("下单", "Issued"),
    "order-dispatched": Name("派单", "Dispatched"),
    "order-accepted": Name("接单", "Accepted"),
    "order-returned": Name("退单", "Returned"),
    "order-transferred": Name("转办", "Transferred"),
    "first-handler-assigned": Name("指定第一经办人", "First handler assigned"),
    "co-handler-added": Name("增加协办", "Co-handler added"),
    "progress-noted": Name("办理进展", "Progress noted"),
    "evidence-attached": Name("附加材料", "Evidence attached"),
    "matter-resolved": Name("办结", "Resolved"),
    "rework-ordered": Name("责成重办", "Rework ordered"),
    "result-fed-back": Name("反馈", "Result fed back"),
    "order-rated": Name("评单", "Rated"),
    "rating-lapsed": Name("逾期未评", "Rating lapsed"),
    "ticket-closed": Name("结案", "Closed"),
    "ticket-reopened": Name("重启", "Reopened"),
    "order-withdrawn": Name("撤单", "Withdrawn"),
    "tickets-merged": Name("并单", "Merged"),
    "tickets-unmerged": Name("撤销并单", "Merge undone"),
    "extension-requested": Name("申请延期", "Extension requested"),
    "extension-granted": Name("同意延期", "Extension granted"),
    "extension-refused": Name("不同意延期", "Extension refused"),
    "ticket-suspended": Name("挂起", "Suspended"),
    "ticket-resumed": Name("恢复", "Resumed"),
    "matter-reclassified": Name("重新定类", "Reclassified"),
    "deadlines-revised": Name("修订时限", "Deadlines revised"),
    "order-urged": Name("催办", "Urged"),
    "ticket-escalated": Name("升级督办", "Escalated"),
    "emergency-declared": Name("转急", "Emergency declared"),
    "emergency-stood-down": Name("解除应急", "Emergency stood down"),
    "response-logged": Name("应急处置记录", "Response logged"),
    "personal-data-erased": Name("删除个人信息", "Personal data erased"),
    "ticket-imported": Name("历史导入", "Imported"),
}

ROLE_NAMES: Final[Mapping[Role, Name]] = {
    Role.RESIDENT: Name("群众", "resident"),
    Role.GRID_WORKER: Name("网格员", "grid worker"),
    Role.VILLAGE: Name("村（社区）", "village"),
    Role.TOWNSHIP: Name("乡镇（街道）", "township"),
    Role.DEPARTMENT: Name("部门", "department"),
    Role.COUNTY: Name("县市", "county"),
    Role.PREFECTURE: Name("州", "prefecture"),
    Role.DATA_PROTECTION: Name("个人信息保护", "data protection"),
    Role.SYSTEM: Name("系统", "system"),
}
