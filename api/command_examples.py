"""For every command what the field calls it, and a body that would do."""

IN_CHINESE = {
    "place": "点单", "verify": "核单", "reject": "不予受理", "issue": "下单", "dispatch": "派单",
    "accept": "接单", "return": "退单", "transfer": "转办", "assign": "指定经办人",
    "add-cohandler": "协办", "progress": "办理进展", "attach": "附证据", "resolve": "办结",
    "rework": "重办", "feed-back": "反馈", "rate": "评单", "lapse-rating": "评价逾期",
    "reopen": "重启", "withdraw": "撤单", "merge": "并单", "unmerge": "撤销并单",
    "request-extension": "申请延期", "grant-extension": "同意延期", "refuse-extension": "不同意延期",
    "suspend": "挂起", "resume": "恢复", "reclassify": "调整类别", "revise-deadlines": "修订时限",
    "urge": "催办", "escalate": "升级督办", "declare-emergency": "转急", "stand-down": "转平",
    "log-response": "应急记录",
    "erase-personal-data": "清除个人信息",
}  # fmt: skip

EXAMPLES: dict[str, dict[str, object]] = {
    "place": {
        "region": "622901001001", "grid": "622901001001-U003", "category": "sanitation.garbage",
        "channel": "phone", "name": "马某", "contact": "138****0000", "address": "某小区 3 号楼 2 单元",
        "words": "垃圾三天没有清运",
    },
    "verify": {"category": "sanitation.garbage", "weight": "ordinary", "words": "现场情况属实"},
    "reject": {"reason": "not_real"},
    "issue": {},
    "dispatch": {"department": "622901-urban-management"},
    "accept": {"first_handler": "officer:1024"},
    "return": {"reason": "不属本单位职责"},
    "transfer": {"to_unit": "622901-water", "reason": "属水务局职责"},
    "assign": {"first_handler": "officer:1025"},
    "add-cohandler": {"unit": "622901-police"},
    "progress": {"words": "已联系施工队，明日进场"},
    "attach": {"media_type": "image/jpeg", "sha256": "0" * 64, "size_bytes": 204800},
    "resolve": {"outcome": "solved", "words": "已清运"},
    "rework": {"reason": "现场仍有垃圾"},
    "feed-back": {"words": "已电话告知群众"},
    "rate": {"solved": True, "score": 5, "words": "很快就解决了"},
    "lapse-rating": {},
    "reopen": {"reason": "问题又出现了"},
    "withdraw": {},
    "merge": {"into": "622901-261123-73FQ9"},
    "unmerge": {"reason": "不是同一件事"},
    "request-extension": {"until": "2026-12-01T18:00:00+08:00", "reason": "等待备件"},
    "grant-extension": {},
    "refuse-extension": {"reason": "可按期完成"},
    "suspend": {"reason": "等待司法鉴定"},
    "resume": {},
    "reclassify": {"matter_class": "larger", "reason": "涉及三个小区"},
    "revise-deadlines": {
        "resolve_due": "2026-12-01T18:00:00+08:00", "policy": "2027-1", "reason": "节假日安排公布"
    },
    "urge": {"words": "群众再次来电"},
    "escalate": {"reason": "已超期"},
    "declare-emergency": {"reason": "燃气泄漏"},
    "stand-down": {"words": "险情已排除"},
    "log-response": {"kind": "report", "words": "现场已封闭，抢修队到达"},
    "erase-personal-data": {"reason": "本人申请"},
}  # fmt: skip
"""A body that would do for every command; the tests give each of them."""
