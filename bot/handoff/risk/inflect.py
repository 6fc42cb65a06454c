"""Verbs inflected into the forms that rules name: 死ぬ → wish: 死にたい, 死にてえ, 死んでしまいたい, …

Standard forms with the spoken and regional ones beside them (関西, 九州, 東北). Terms are beginnings: 死にたか finds
死にたかった and 死にたかばい. Tables after the school grammar of the six bases (未然 連用 終止 仮定 命令 意志).
"""

from __future__ import annotations

from bot.frozen import dataclass

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
_ODD_TE = ("行く", "逝く", "いく")


@dataclass(frozen=True, slots=True)
class Bases:
    """The bases of a verb, to which endings are joined."""

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
        """死んじゃ, 消えちゃ."""
        return self.te[:-1] + ("ちゃ" if self.te.endswith("て") else "じゃ")

    @property
    def chimau(self) -> str:
        """死んじま, 消えちま."""
        return self.te[:-1] + ("ちま" if self.te.endswith("て") else "じま")

    @property
    def toru(self) -> str:
        """死んど, 消えと."""
        return self.te[:-1] + ("と" if self.te.endswith("て") else "ど")

    @property
    def let(self) -> str:
        """死の, 消えよ: the volition as it is cut short."""
        return self.let_us[:-1]


def godan(verb: str) -> Bases:
    """Raises KeyError for a verb that does not end like one."""
    stem, (a, i, e, o, te, ta) = verb[:-1], _GODAN[verb[-1]]
    if verb.endswith(_ODD_TE):
        te, ta = "って", "った"
    return Bases(
        plain=verb,
        not_yet=stem + a,
        going=stem + i,
        would=stem + e,
        let_us=stem + o + "う",
        te=stem + te,
        past=stem + ta,
        can=stem + e + "る",
        passive=stem + a + "れ",
    )


def ichidan(verb: str) -> Bases:
    """Raises KeyError for a verb that does not end in る."""
    if not verb.endswith("る"):
        raise KeyError(verb)
    s = verb[:-1]
    return Bases(
        plain=verb,
        not_yet=s,
        going=s,
        would=s + "れ",
        let_us=s + "よう",
        te=s + "て",
        past=s + "た",
        can=s + "られる",
        passive=s + "られ",
    )


def suru(noun: str) -> Bases:
    return Bases(
        plain=noun + "する",
        not_yet=noun + "し",
        going=noun + "し",
        would=noun + "すれ",
        let_us=noun + "しよう",
        te=noun + "して",
        past=noun + "した",
        can=noun + "できる",
        passive=noun + "され",
    )


_NOT_WISH = """
    たくない たくはない たくならな たくはならな たくもならな たくなく たくねえ たくありま たくなか たない とうない
    たくもない たいとは思わ たいと思わ たいわけじゃ たいわけでは たいわけや たいんじゃな たいとかじゃ
    たいとかで たいとかや たいってわけ たいほどじゃ たいって程じゃ たいって訳 たい訳 たいとまでは たいとは思って
    たいわけでも
    たいなんて思わ たいなんて思って たい気持ちはな たい気持ちはあり たいという気持ちはな たいという意味では たいってほど
    たいとかちゃう たいわけちゃう たいんちゃう てえわげで てえわけで てえんでね てわげでね たいのとは違 たいのとはちが
    たいとは言って たいことはな たいなんていっぺんも たいなんて一度も でえなんていっぺん たいと思ったことはな
    たいと思ったことはあり たいと思ったこともな
"""
_FORMS: dict[str, dict[str, str]] = {
    "": {
        "plain": "-", "not_yet": "な せ", "going": "ま た そう に 続", "would": "ば", "let_us": "-", "te": "-",
        "past": "-", "can": "-", "chau": "-", "passive": "-",
    },
    "wish": {
        "going": "たい たく たか たす たさ たみ たき てえ でえ たひ たな てゃ だい とうな とな たげ たび"
                 " ぶさ でぐ だぐ とうて とうてしゃ",
        "te": "しまいた しもうた まいた しまえた いきた やりた おきた",
        "chau": "いた", "chimau": "いた", "toru": "きた",
    },
    "notwish": {"going": _NOT_WISH, "toru": "りたくな りとうな うない", "te": "たくな いたくな"},
    "will": {
        "let_us": "-",
        "let": "か おも 思 っか っと って",
        "going": "ましょう にいく に行く に行こう",
        "past": "る ろ",
        "plain": "つもり ことにし ことにす ことに決 ことを決 って決 と決 予定 計画 覚悟 しかな しか道 しか選 しか残"
                 " 準備 気でい 日を決 日は決 のは決",
        "te": "やる やろう やった方 きます くるわ くるね くるノシ みせる しまお 詫び お詫び"
              " 終わりに まう まお もうたろ もたろ しもたろ",
        "chau": "お", "chimau": "お う",
        "not_yet": "にゃ ねば なきゃ なくちゃ なあか んといけ んとあか んと気 ないと気 なければなら",
    },
    "declare": {"going": "ます", "plain": "-", "te": "くる きます やる", "let_us": "-"},
    "if": {
        "past": "ら ほうが 方が っていい かて",
        "would": "ば たら りゃ",
        "te": "もいい いい しまえば も構わ もかまわ もええ もよか も良い もよい もおか"
        " もうたら しまったら まったら",
        "chau": "えば",
    },
    "ask": {"te": "くれ くん ほし 欲し もらいた もらえ ください 下さい ちょう けろ けれ 頂戴 おくれ いただ"},
    "past": {
        "past": "-", "going": "ました ちゃ", "te": "しま もう もた きた る い まっ まい", "chau": "-", "chimau": "-",
    },
    "now": {
        "te": "い る ます ん お きて くる きよ", "toru": "る り っ", "going": "よる よっ 続け つづけ まく",
    },
    "passive": {"passive": "-", "not_yet": "いで いだ"},
    "fear": {
        "going": "そう かね たくな たくて たい たなる", "te": "しまいそう まいそう まうか しまうか やりた しまいた",
        "chau": "いそう うか",
    },
    "can": {"can": "-"},
    "make": {"not_yet": "せ させ"},
    "plain": {"plain": "-"},
    "te": {"te": "-"},
}  # fmt: skip
"""Form → base → endings; a dash is the base alone. The empty name is every form of the verb."""

FORMS = frozenset(_FORMS)


def inflected(bases: Bases, form: str) -> list[str]:
    """The beginnings a verb has in this form."""
    return [
        getattr(bases, base) + ("" if end == "-" else end)
        for base, ends in _FORMS[form].items()
        for end in ends.split()
    ]
