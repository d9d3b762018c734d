"""What a matter is about: a small catalogue, each entry with the class it usually falls into."""

from dataclasses import dataclass

from domain.errors import Invalid
from domain.vocabulary import MatterClass, Urgency, Weight


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of matter."""

    code: str
    zh: str
    en: str
    usual_class: MatterClass


_S, _G, _L, _D = MatterClass.SIMPLE, MatterClass.GENERAL, MatterClass.LARGER, MatterClass.DIFFICULT
CATALOGUE = {
    category.code: category
    for category in (
        Category("sanitation.garbage", "垃圾清运", "Garbage not collected", _S),
        Category("sanitation.sewage", "污水外溢", "Sewage overflow", _G),
        Category("roads.surface", "道路破损", "Damaged road surface", _G),
        Category("roads.lighting", "路灯故障", "Street light out", _S),
        Category("roads.parking", "乱停乱放", "Obstructive parking", _S),
        Category("water.supply", "供水", "Water supply", _G),
        Category("power.supply", "供电", "Power supply", _G),
        Category("heating.supply", "供暖", "Heating supply", _G),
        Category("noise.neighbourhood", "生活噪声", "Neighbourhood noise", _S),
        Category("noise.construction", "施工噪声", "Construction noise", _G),
        Category("safety.fire", "消防隐患", "Fire hazard", _L),
        Category("safety.building", "房屋安全", "Unsafe building", _L),
        Category("safety.gas", "燃气安全", "Gas safety", _L),
        Category("disputes.neighbours", "邻里纠纷", "Dispute between neighbours", _G),
        Category("disputes.land", "土地纠纷", "Land dispute", _D),
        Category("disputes.wages", "拖欠工资", "Unpaid wages", _L),
        Category("market.food", "食品安全", "Food safety", _G),
        Category("market.consumer", "消费维权", "Consumer complaint", _G),
        Category("civil.allowance", "低保救助", "Subsistence allowance", _G),
        Category("civil.elderly", "养老服务", "Care for the elderly", _S),
        Category("health.clinic", "村卫生室", "Village clinic", _G),
        Category("environment.air", "大气污染", "Air pollution", _L),
        Category("environment.water", "水体污染", "Water pollution", _L),
        Category("other", "其他", "Other", _G),
    )
}
_LADDER = (MatterClass.SIMPLE, MatterClass.GENERAL, MatterClass.LARGER, MatterClass.DIFFICULT)
_STEP = {Weight.LIGHT: -1, Weight.ORDINARY: 0, Weight.HEAVY: 1}


def category_of(code: str) -> Category:
    """Look up a catalogue entry; raises Invalid for a code that is not in it."""
    try:
        return CATALOGUE[code]
    except KeyError:
        raise Invalid(
            f"there is no category {code!r}; the catalogue is at GET /v1/categories",
            rule="unknown-category",
            field="category",
        ) from None


def category_name(code: str) -> str:
    """Give what people call a category; a foreign code is its own name."""
    known = CATALOGUE.get(code)
    return f"{known.zh} {known.en}" if known else code


def classify(
    category: str,
    weight: Weight = Weight.ORDINARY,
    urgency: Urgency = Urgency.NORMAL,
    *,
    cross_county: bool = False,
) -> MatterClass:
    """Derive the matter class: the category's usual one, a step lighter or heavier by weight.

    An urgent matter is never made heavier, because a heavier class has the longer deadline.
    """
    if cross_county:
        return MatterClass.CROSS_COUNTY
    step = _STEP[weight]
    if urgency is Urgency.URGENT:
        step = min(step, 0)
    rung = _LADDER.index(category_of(category).usual_class) + step
    return _LADDER[max(0, min(rung, len(_LADDER) - 1))]
