"""What every kind of event is called by the people who do it, in both languages."""

from collections.abc import Mapping
from typing import NamedTuple

from domain import events as e


class EventName(NamedTuple):
    """The field's own term, and what it is in English."""

    zh: str
    en: str


EVENT_NAMES: Mapping[str, EventName] = {
    kind.TYPE: EventName(zh, en)
    for kind, zh, en in (
        (e.OrderPlaced, "点单", "placed"),
        (e.OrderVerified, "核单", "verified"),
        (e.OrderRejected, "不予受理", "rejected"),
        (e.OrderIssued, "下单", "issued"),
        (e.OrderDispatched, "派单", "dispatched"),
        (e.OrderAccepted, "接单", "accepted"),
        (e.OrderReturned, "退单", "returned"),
        (e.OrderTransferred, "转办", "transferred"),
        (e.FirstHandlerAssigned, "指定第一经办人", "first handler assigned"),
        (e.CoHandlerAdded, "增加协办", "co-handler added"),
        (e.ProgressNoted, "办理进展", "progress noted"),
        (e.EvidenceAttached, "附加材料", "evidence attached"),
        (e.MatterResolved, "办结", "resolved"),
        (e.ReworkOrdered, "重办", "rework ordered"),
        (e.ResultFedBack, "反馈", "result fed back"),
        (e.OrderRated, "评单", "rated"),
        (e.RatingLapsed, "逾期未评", "rating lapsed"),
        (e.TicketClosed, "结案", "closed"),
        (e.TicketReopened, "重启", "reopened"),
        (e.OrderWithdrawn, "撤单", "withdrawn"),
        (e.TicketsMerged, "并单", "merged"),
        (e.TicketsUnmerged, "撤销并单", "merge undone"),
        (e.ExtensionRequested, "申请延期", "extension requested"),
        (e.ExtensionGranted, "同意延期", "extension granted"),
        (e.ExtensionRefused, "不同意延期", "extension refused"),
        (e.TicketSuspended, "挂起", "suspended"),
        (e.TicketResumed, "恢复", "resumed"),
        (e.MatterReclassified, "调整类别", "reclassified"),
        (e.DeadlinesRevised, "调整时限", "deadlines revised"),
        (e.OrderUrged, "催办", "urged"),
        (e.TicketEscalated, "升级督办", "escalated"),
        (e.EmergencyDeclared, "转急", "emergency declared"),
        (e.EmergencyStoodDown, "转平", "emergency stood down"),
        (e.ResponseLogged, "应急处置记录", "response logged"),
        (e.PersonalDataErased, "删除个人信息", "personal data erased"),
        (e.TicketImported, "导入", "imported"),
    )
}
