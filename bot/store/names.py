"""Random nicknames (R-072): quiet things around a house. They say nothing about the person."""

from __future__ import annotations

import secrets

_HOW = (
    "北窓の", "うすい", "三月の", "遠い", "雨あがりの", "白い", "しずかな", "夕方の", "朝の",
    "古い", "小さな", "あさぎの", "冬の", "木かげの", "窓ぎわの", "生成りの", "まるい", "やわらかな",
    "藍色の", "川べりの", "ひなたの", "六月の", "青い", "月夜の", "秋の", "土間の", "竹の",
    "ほそい", "雪の", "春の",
)  # fmt: skip
_WHAT = (
    "栞", "麦茶", "毛布", "汽笛", "自転車", "画鋲", "湯のみ", "折り紙", "風鈴",
    "座布団", "鉛筆", "植木鉢", "ふくろう", "石畳", "やかん", "手ぬぐい", "糸巻き", "本棚",
    "長靴", "豆皿", "障子", "絵はがき", "木の実", "たんす", "すずめ", "ほうき", "かすみ草",
    "帽子", "水差し", "渡り廊下", "ランプ", "切手", "よもぎ", "箸置き", "こま", "オルガン",
)  # fmt: skip


def nickname() -> str:
    """One of about a thousand; not unique, never shown to the person."""
    return secrets.choice(_HOW) + secrets.choice(_WHAT)
