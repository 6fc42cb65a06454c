"""Areas and their codes: official, whole, and found however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import areas
from bot.content.finding import where_of
from bot.content.search import Index
from bot.flows.matching import fold
from tests.strategies import seed_pack

OFFICIAL = {
    "332089": "岡山県 総社市",
    "141003": "神奈川県 横浜市",
    "242161": "三重県 伊賀市",
    "352021": "山口県 宇部市",
    "401005": "福岡県 北九州市",
    "402117": "福岡県 筑後市",
    "122165": "千葉県 習志野市",
    "122122": "千葉県 佐倉市",
    "092045": "栃木県 佐野市",
    "094072": "栃木県 那須町",
    "092134": "栃木県 那須塩原市",
    "272329": "大阪府 阪南市",
    "342050": "広島県 尾道市",
    "011002": "北海道 札幌市",
    "041009": "宮城県 仙台市",
    "042072": "宮城県 名取市",
    "140007": "神奈川県",
}
"""As the towns' articles of an encyclopedia give them; looked up one by one."""


def test_codes_are_the_official_ones() -> None:
    """47 prefectures and 1,741 municipalities; every sixth digit is right."""
    known = areas.areas()
    assert sum(area.is_prefecture for area in known.values()) == 47
    assert len(known) == 47 + 1_741
    assert all(areas.check_digit(code[:5]) == code[5] for code in known)
    assert {code: areas.full_name(known[code]) for code in OFFICIAL} == OFFICIAL


@given(st.sampled_from(list(areas.areas().values())))
def test_an_area_is_found_as_it_is_written(area: areas.Area) -> None:
    """By its name, with its prefecture, and in kana; a name several towns share finds all of them."""
    for text in (area.name, area.kana, areas.full_name(area)):
        assert area in areas.named(text)
    assert areas.area_of(areas.prefecture_of(area).name, "" if area.is_prefecture else area.name) == area


SPELLINGS = sorted(
    {fold(text) for one in areas.areas().values() for text in (one.name, one.name[:-1], one.kana)}
)


def by_hand(text: str) -> tuple[int, int] | None:
    """The first area, looked for at every place, the longest first: two letters, in kana three."""
    for start in range(len(text)):
        for end in range(len(text), start + 1, -1):
            long_enough = end - start >= (3 if areas.is_kana(text[start:end]) else 2)
            if long_enough and areas.named(text[start:end]):
                return start, end
    return None


@given(
    st.lists(
        st.one_of(st.sampled_from(SPELLINGS), st.text("おおさかきんのふしち市県府町大阪 山口", max_size=8)),
        max_size=5,
    )
)
def test_the_first_area_of_a_text_is_found(parts: list[str]) -> None:
    """Looking for all at once finds what looking for each would."""
    text = fold("".join(parts))
    assert areas.first_in(text) == by_hand(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("大阪", ["大阪府"]),
        ("おおさかふ", ["大阪府"]),
        ("阪南", ["大阪府 阪南市"]),
        ("ハンナンシ", ["大阪府 阪南市"]),
        ("横浜", ["神奈川県 横浜市", "青森県 横浜町"]),
        ("府中市", ["東京都 府中市", "広島県 府中市"]),
        ("言わない", []),
        ("", []),
    ],
)
def test_a_label_means_its_areas(text: str, found: list[str]) -> None:
    """A prefecture covers the town of its own name; what is no area is none."""
    assert [areas.full_name(area) for area in where_of(text)] == found


def test_who_borders_is_bordered() -> None:
    """Each border counts both ways, and only towns with a source have any."""
    index = Index((), seed_pack().borders)
    hannan, misaki = areas.area_of("大阪府", "阪南市"), areas.area_of("大阪府", "岬町")
    assert hannan is not None
    assert misaki is not None
    assert misaki.code in index.neighbours(hannan.code)
    assert hannan.code in index.neighbours(misaki.code)
    assert index.neighbours("131016") == ()
    assert all(border.source.title and border.source.seen_in_source for border in seed_pack().borders)


def test_every_town_of_ours_has_neighbours() -> None:
    """Each with its own list."""
    towns = {
        f"{one.prefecture} {one.municipality}" for one in seed_pack().resources.values() if one.municipality
    }
    assert towns <= {border.id for border in seed_pack().borders}
