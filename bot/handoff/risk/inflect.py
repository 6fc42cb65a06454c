"""Verbs inflected into the forms that rules name: 死ぬ → wish: 死にたい, 死にてえ, 死んでしまいたい, …

Standard forms with the spoken and regional ones beside them (関西, 九州, 東北). Terms are beginnings: 死にたか finds
死にたかった and 死にたかばい. Tables after the school grammar of the six bases (未然 連用 終止 仮定 命令 意志).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_GODAN = {
    # final: 未然, 連用, 仮定, 意志, te-form, past
    "う": ("わ", "い", "え", "お", "って", "った"),
    "く": ("か", "き", "け", "こ", "いて", "いた"),
    "ぐ": ("が", "ぎ", "げ", "ご", "いで", "いだ"),
    "す": ("さ", "し", "せ", "そ", "して", "した"),
    "つ": ("た", "ち", "て", "と", "って", "った"),
    "ぬ": ("な", "に", "ね", "の", "んで", "んだ"),
    "ぶ": ("ば", "び", "べ", "ぼ", "んで", "んだ"),
    "む": ("ま", "み", "め", "も", "んで", "んだ"),
    "る": ("ら", "り", "れ", "ろ", "って", "った"),
}


@dataclass(frozen=True, slots=True)
class Bases:
    """The bases of a verb. `short`: the te-form as it contracts (死んじゃ, 消えちゃ, 死んでま)."""

    plain: str
    not_yet: str
    going: str
    would: str
    let_us: str
    te: str
    past: str
    can: str
    passive: str

    @property
    def chau(self) -> str:
        return self.te[:-1] + ("ちゃ" if self.te.endswith("て") else "じゃ")

    @property
    def chimau(self) -> str:
        return self.te[:-1] + ("ちま" if self.te.endswith("て") else "じま")

    @property
    def chimai(self) -> str:
        return self.te[:-1] + ("ちまい" if self.te.endswith("て") else "じまい")


def godan(verb: str) -> Bases:
    stem, last = verb[:-1], verb[-1]
    a, i, e, o, te, ta = _GODAN[last]
    if verb.endswith(("行く", "逝く", "いく")):
        te, ta = "って", "った"
    return Bases(verb, stem + a, stem + i, stem + e, stem + o + "う", stem + te, stem + ta, stem + e + "る", stem + a + "れ")


def ichidan(verb: str) -> Bases:
    s = verb[:-1]
    return Bases(verb, s, s, s + "れ", s + "よう", s + "て", s + "た", s + "られる", s + "られ")


def suru(noun: str) -> Bases:
    return Bases(
        noun + "する", noun + "し", noun + "し", noun + "すれ", noun + "しよう", noun + "して", noun + "した",
        noun + "できる", noun + "され",
    )  # fmt: skip


def _wish(b: Bases) -> tuple[str, ...]:
    ends = ("たい", "たく", "たか", "たす", "たさ", "たみ", "たき", "てえ", "でえ", "たひ", "たな", "てゃ", "だい", "とうな", "とな", "たげ", "たび", "たぃ")
    gone = ("しまいた", "しもうた", "まいた", "しまえた", "いきた")
    return (
        *(b.going + end for end in ends),
        *(b.te + end for end in gone),
        *(b.chau[:-1] + "ゃいた" for _ in "x"),
        b.chimai + "た",
        b.te + "えた",
    )


def _not_wish(b: Bases) -> tuple[str, ...]:
    ends = ("たくない", "たくはならな", "たくならな", "たくもならな", "たくはない", "たくなく", "たくねえ", "たくありま", "たくなか", "たない", "とうない", "たくもない", "たいとは思わ", "たいと思わ", "たいわけじゃ", "たいわけでは", "たいわけや", "たいんじゃな", "たいとかじゃ", "たいとかで", "たいとかや", "たいってわけ", "たいってほどじゃ", "たいほどじゃ", "たいって程じゃ", "たいって訳", "たい訳", "たいとまでは", "たいとは思って", "たいなんて思わ", "たいなんて思って", "たい気持ちはな", "たい気持ちはあり", "たいという気持ちはな", "たいという意味では", "たいってほど", "たいとは言って", "たいことはな", "たいなんていっぺんも", "たいなんて一度も", "でえなんていっぺん", "たいと思ったことはな", "たいと思ったことはあり", "たいと思ったこともな")
    return tuple(b.going + end for end in ends)


def _will(b: Bases) -> tuple[str, ...]:
    plain = ("つもり", "ことにし", "ことにす", "ことに決", "ことを決", "って決", "と決", "予定", "計画", "覚悟", "しかな", "しか道", "しか選", "しか残", "準備", "気でい", "日を決", "日は決", "のは決")
    te = ("やる", "やろう", "やった方", "きます", "くるわ", "くるね", "くるノシ", "みせる", "しまおう", "詫び", "お詫び", "終わりに")
    return (
        b.let_us,
        b.going + "ましょう",
        *(b.let_us[:-1] + end for end in ("かな", "か", "かと", "おも", "思")),
        *(b.past + end for end in ("る", "ろ", "ろか", "ろう")),
        *(b.plain + end for end in plain),
        *(b.te + end for end in te),
        b.chau + "おう", b.chau + "お", b.chimau[:-1] + "まおう", b.chimau[:-1] + "まう", b.te + "まう", b.te + "まお", b.te + "もうたろ", b.te + "もたろ", b.te + "しもたろ",
        b.going + "にいく", b.going + "に行く", b.going + "に行こう",
    )  # fmt: skip


def _declare(b: Bases) -> tuple[str, ...]:
    return (b.going + "ます", b.plain, b.te + "くる", b.te + "きます", b.te + "やる", b.let_us)


def _if(b: Bases) -> tuple[str, ...]:
    return (
        b.past + "ら", b.would + "ば", b.past + "ほうが", b.past + "方が", b.past + "ほうがまし", b.te + "もいい", b.te + "いい",
        b.would + "たら", b.would + "りゃ", b.te + "しまえば", b.chau[:-1] + "ゃえば", b.past + "っていい", b.te + "も構わ", b.te + "もかまわ",
        b.past + "かて", b.past + "らいい", b.past + "ほうがええ",
    )  # fmt: skip


def _ask(b: Bases) -> tuple[str, ...]:
    ends = ("くれ", "ほし", "欲し", "もらいた", "もらえ", "ください", "下さい", "ちょう", "けろ", "けれ", "くれん", "頂戴", "おくれ", "いただ")
    return tuple(b.te + end for end in ends)


def _past(b: Bases) -> tuple[str, ...]:
    return (
        b.past, b.going + "ました", b.te + "しま", b.chau + "った", b.chau, b.te + "もう", b.te + "もた", b.te + "きた", b.te + "しもう", b.chimau,
        b.going + "ちゃ", b.te + "る", b.te + "い",
    )  # fmt: skip


def _now(b: Bases) -> tuple[str, ...]:
    te = b.te
    oru = te[:-1] + ("とる" if te.endswith("て") else "どる")
    yoru = te[:-1] + ("とり" if te.endswith("て") else "どり")
    toru = te[:-1] + ("とっ" if te.endswith("て") else "どっ")
    return (te + "い", te + "る", te + "ます", te + "ん", te + "おり", te + "おる", te + "お", oru, yoru, toru, b.going + "よる", b.going + "よっ", b.going + "続け", b.going + "つづけ", b.going + "まく", te + "きて", te + "くる", te + "きます", te + "きよ")


def _passive(b: Bases) -> tuple[str, ...]:
    return (b.passive + "る", b.passive + "た", b.passive + "て", b.passive + "ま", b.passive + "そう", b.passive + "ん", b.passive + "ち", b.passive + "と", b.passive + "ろ", b.passive + "っぱ", b.passive + "よ", b.passive + "な", b.passive + "が", b.passive + "続", b.passive, b.passive[:-1] + "り", b.passive[:-1] + "っ")


def _fear(b: Bases) -> tuple[str, ...]:
    return (
        b.going + "そう", b.te + "しまいそう", b.chau[:-1] + "ゃいそう", b.going + "かね", b.te + "まいそう", b.te + "まうか", b.te + "しまうか", b.chau + "うか",
        b.going + "たくなる", b.going + "たくなっ", b.going + "たくて", b.going + "たい", b.te + "やりた", b.going + "たなる", b.te + "しまいた",
    )  # fmt: skip


def _not(b: Bases) -> tuple[str, ...]:
    return (
        b.not_yet + "な", b.not_yet + "ん", b.not_yet + "ず", b.going + "ませ", b.te + "な", b.te + "ませ", b.te + "はい", b.te + "いませ", b.te + "おりませ", b.te + "いな",
    )  # fmt: skip


def _base(b: Bases) -> tuple[str, ...]:
    return (b.plain, b.not_yet + "な", b.going + "ま", b.going + "た", b.going + "そう", b.would + "ば", b.let_us, b.te, b.past, b.can, b.chau, b.passive, b.going + "に", b.going + "続", b.not_yet + "せ")


FORMS: dict[str, Callable[[Bases], tuple[str, ...]]] = {
    "": _base,
    "wish": _wish,
    "notwish": _not_wish,
    "will": _will,
    "declare": _declare,
    "if": _if,
    "ask": _ask,
    "past": _past,
    "now": _now,
    "passive": _passive,
    "fear": _fear,
    "not": _not,
    "can": lambda b: (b.can, b.can[:-1]),
    "make": lambda b: (b.not_yet + ("させ" if b.not_yet == b.going else "せ"),),
    "plain": lambda b: (b.plain,),
    "te": lambda b: (b.te,),
}
"""Form → how it is made. The empty name is every form of the verb."""
