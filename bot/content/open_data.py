"""Event lists of municipalities' open data as our own table (推奨データセット, 自治体標準オープンデータセット). Pure.

The columns are those of イベント一覧 (Digital Agency; in its first form of the Cabinet Secretariat, 2017). What our
content has no place for (coordinates, POI codes, pictures, kana) is left out. Its list of public buildings is not
read: it tells of every hall and nothing of who may just be there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.content.areas import areas, prefecture_of

NAME = "イベント名"
"""The heading that tells this format."""

SAME = {
    "イベント名": "name",
    "開始日": "day",
    "終了日": "last",
    "開始時間": "begins",
    "終了時間": "ends",
    "開始日時特記事項": "wording",
    "説明": "summary",
    "アクセス方法": "directions",
    "定員": "capacity",
    "参加申込方法": "reservation",
    "URL": "url",
    "都道府県名": "prefecture",
    "市区町村名": "municipality",
    "所在地_都道府県": "prefecture",
    "所在地_市区町村": "municipality",
}
JOINED = {
    "venue": ("場所名称", "所在地_連結表記", "住所", "方書", "建物名等(方書)"),
    "cost": ("料金(基本)", "料金(詳細)"),
    "contact": ("連絡先名称", "連絡先電話番号"),
}
CODES = ("全国地方公共団体コード", "都道府県コード又は市区町村コード")
NUMBERS = ("ID", "NO")


def row_of(headings: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """One line by the names of our own columns. The area is that of its words, else that of its code."""
    said = {heading: cell.strip() for heading, cell in zip(headings, cells, strict=False) if cell.strip()}
    row = dict.fromkeys((*SAME.values(), *JOINED, "id"), "")
    for heading, name in SAME.items():
        row[name] = row[name] or said.get(heading, "")
    for name, known in JOINED.items():
        row[name] = " ".join(dict.fromkeys(said[heading] for heading in known if heading in said))
    code = next((said[heading] for heading in CODES if heading in said), "")
    row |= {name: found for name, found in _area(code).items() if not row[name]}
    number = next((said[heading] for heading in NUMBERS if heading in said), "")
    row["id"] = f"{code}-{number}" if number else ""
    if row["last"] == row["day"]:
        row["last"] = ""
    return row


def _area(code: str) -> Mapping[str, str]:
    area = areas().get(code.zfill(6))
    if area is None:
        return {}
    return {
        "prefecture": prefecture_of(area).name,
        "municipality": "" if area.is_prefecture else area.name,
    }
