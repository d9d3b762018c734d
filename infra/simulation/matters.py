"""What people report, how often, in which words, and which department it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.simulation.chance import Chance


@dataclass(frozen=True, slots=True)
class Matter:
    """A kind of matter: its catalogue code, how frequent it is, who is responsible and what is said."""

    category: str
    frequency: float
    department: str
    said: tuple[str, ...]


_ALL = (
    Matter(
        "sanitation.garbage",
        12,
        "urban-management",
        ("垃圾桶满了三天没人清运，味道很大。", "巷口堆了建筑垃圾，没人管。"),
    ),
    Matter(
        "sanitation.sewage",
        6,
        "urban-management",
        ("下水道堵了，污水流到路面上。", "化粪池溢出来了，楼道都是臭味。"),
    ),
    Matter(
        "roads.surface",
        8,
        "transport",
        ("路面塌了一个大坑，晚上骑车差点摔倒。", "村道被大车压坏，下雨全是泥。"),
    ),
    Matter(
        "roads.lighting",
        7,
        "urban-management",
        ("路灯坏了一个多星期，老人晚上不敢出门。", "整条巷子的路灯都不亮。"),
    ),
    Matter("roads.parking", 7, "traffic-police", ("消防通道被车堵住了。", "门口长期停着一辆没牌的车。")),
    Matter("water.supply", 6, "water", ("家里停水两天了，没有通知。", "自来水发黄，不敢喝。")),
    Matter("power.supply", 4, "power", ("经常跳闸，冰箱里的东西都坏了。", "电线垂得很低，怕碰到人。")),
    Matter("heating.supply", 6, "housing", ("暖气不热，家里只有十三度。", "交了取暖费，一直没有供暖。")),
    Matter("noise.neighbourhood", 6, "police", ("楼上半夜还在放音乐，孩子睡不着。", "隔壁一大早就装修。")),
    Matter("noise.construction", 4, "ecology", ("工地夜里十二点还在施工。", "打桩的声音从早到晚。")),
    Matter("safety.fire", 3, "fire", ("楼道里堆满杂物，还有电动车充电。", "灭火器早就过期了。")),
    Matter("safety.building", 2, "housing", ("外墙的砖往下掉。", "老房子的墙裂了一道缝，怕塌。")),
    Matter("safety.gas", 2, "housing", ("楼道里有煤气味。", "燃气管道生锈了，没人检查。")),
    Matter(
        "disputes.neighbours",
        4,
        "justice",
        ("邻居把水排到我家院子里，说了不听。", "为了一棵树和邻居吵了好几次。"),
    ),
    Matter(
        "disputes.land",
        1.5,
        "natural-resources",
        ("承包地的界线划错了，少了半亩。", "宅基地的纠纷一直没有结果。"),
    ),
    Matter(
        "disputes.wages", 2.5, "labour", ("干了三个月的活，工资一分没给。", "老板说下个月发，已经拖了半年。")
    ),
    Matter("market.food", 2.5, "market", ("买的牛奶过期了，商店不给退。", "饭馆后厨很脏，吃了肚子疼。")),
    Matter(
        "market.consumer", 3, "market", ("手机修了两次还是坏的，不肯退钱。", "健身房关门了，卡里的钱退不了。")
    ),
    Matter(
        "civil.allowance",
        3,
        "civil-affairs",
        ("低保申请交了两个月，没有消息。", "家里有病人，想问救助怎么办。"),
    ),
    Matter("civil.elderly", 3, "civil-affairs", ("老人独居，想申请助餐服务。", "高龄补贴这个月没有到账。")),
    Matter("health.clinic", 1.5, "health", ("卫生室经常关门，拿不到药。", "想问家庭医生怎么签约。")),
    Matter("environment.air", 2, "ecology", ("附近有人烧垃圾，窗户都不敢开。", "砖厂冒黑烟。")),
    Matter("environment.water", 1.5, "ecology", ("河里漂着死鱼，水发黑。", "有人往水渠里倒废水。")),
    Matter("other", 3, "coordination", ("想咨询一下办事流程，找不到人问。", "有个情况想向上面反映。")),
)
_FREQUENCIES: Mapping[Matter, float] = {matter: matter.frequency for matter in _ALL}
DEPARTMENTS = tuple(sorted({matter.department for matter in _ALL}))

FOUND = ("现场看过，情况属实。", "已到现场核实，拍了照片。", "和当事人见了面，情况属实。")
DONE = ("已经处理完毕，现场恢复正常。", "问题解决，已告知当事人。", "派人处理好了，请群众监督。")
GOING_ON = (
    "已联系施工队，明天进场。",
    "正在协调，等待材料。",
    "第一次上门没有人，再约时间。",
    "和业主委员会商量过了。",
)
TOLD = ("已打电话告诉当事人处理结果。", "上门反馈，当事人在场。")
THANKS = ("很快就解决了，谢谢。", "处理得不错。", "服务态度好。", "比以前快多了。")
COMPLAINTS = ("根本没有解决，还是老样子。", "只是来看了一下就走了。", "等了这么久，没有人管。")


def some_matter(chance: Chance) -> Matter:
    """Choose what a matter is about, by how frequent it is."""
    return chance.weighted(_FREQUENCIES)


def other_department(chance: Chance, department: str) -> str:
    """Choose a department that is not this one."""
    return chance.pick([name for name in DEPARTMENTS if name != department])
