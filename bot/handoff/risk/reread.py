"""Texts read once more: Latin letters as kana (`shinitai`: しにたい), kana as kanji (うで: 腕), slips mended.

Kana by a table of the words that matter, not a dictionary: what it does not know stays as it is. Two kinds of words:
those read anywhere, for they hardly hide in others, and those that only count where a word begins.
"""

from __future__ import annotations

import re
from functools import lru_cache

import jaconv

from bot.flows.matching import visible
from bot.handoff.risk.normalise import Folded, fold_reread, term

_LATIN = re.compile(r"[A-Za-zＡ-Ｚａ-ｚ][A-Za-zＡ-Ｚａ-ｚ'’]+")

_ANYWHERE = """
    てくび手首 せなか背中 しんぞう心臓 なみだ涙 かみのけ髪の毛 おなか腹 あたま頭 くちびる唇
    おくさん奥さん しゃちょう社長 ともだち友達 かれし彼氏 おとうと弟 いもうと妹 むすこ息子 むすめ娘
    かぞく家族 だんな旦那
    べらんだベランダ てすり手すり かったーカッター かみそりカミソリ ろーぷロープ くひつり首吊り
    でんしゃ電車 ふみきり踏切 せんろ線路 おくじょう屋上 かいだん階段 びょういん病院 おふろ風呂 ふろば風呂場
    くすり薬 ほうちょう包丁 てがみ手紙 おかね金
    まいにち毎日 まいばん毎晩 こんや今夜 きのう昨日 おととい一昨日 せんしゅう先週 さいご最後
    なぐった殴った なぐって殴って なぐっちゃ殴っちゃ なぐら殴ら なぐり殴り なぐる殴る
    けっとば蹴っ飛ば
    たたか叩か たたい叩い たたき叩き たたく叩く つきとば突き飛ば おさえ押さえ しめられ絞められ
    しずめ沈め とじこめ閉じ込め さわら触ら さわって触って さわる触る ぬがさ脱がさ おどさ脅さ どなら怒鳴ら
    どなる怒鳴る どなっ怒鳴っ
    ころす殺す ころし殺し ころさ殺さ しにます死にます しぬ死ぬ きえた消えた
    きえて消えて きえる消える
    とびおり飛び降り とびこ飛び込 のみまし飲みまし のみすぎ飲みすぎ きずつけ傷つけ
    つかれた疲れた つかれて疲れて くるしい苦しい くるしく苦しく かなしい悲しい さみしい寂しい こわい怖い
    こわく怖く
    ぜんぶ全部 まっか真っ赤 うごかな動かな うごけ動け とまらな止まらな とまりま止まりま たすけて助けて
    へんじ返事
    かえってくる帰ってくる かえりたく帰りたく もどら戻ら むすん結ん とられ取られ
    たべられ食べられ たべもの食べ物
    おきませ起きませ おきなく起きなく ねむれ眠れ ねむって眠って つめたく冷たく
"""
_WHERE_A_WORD_BEGINS = """
    いしょ遺書 けられ蹴られ しんで死んで しんだ死んだ のんで飲んで のんだ飲んだ からだ体 しめて絞めて
    しめた絞めた たべて食べて
    うで腕 くび首 あし足 かお顔 むね胸 のど喉 ゆび指 いき息 こころ心 かみ髪 おやゆび親指
    ち血 ちが血が ちで血で おっと夫 つま妻 あに兄 あね姉 ちち父 はは母 おや親 ひと人 だれ誰 わたし私
    じぶん自分 ひとり一人
    えき駅 はし橋 かわ川 うみ海 まど窓 へや部屋 いえ家 ふろ風呂 そと外 がっこう学校 ゆか床 かべ壁
    ひも紐 なわ縄 いす椅子 かぎ鍵 みず水 くるま車 いま今 きょう今日 あした明日 つぎ次 あさ朝 よる夜
    きる切る きった切った きって切って きりた切りた きっちゃ切っちゃ さす刺す さした刺した さされ刺され
    けった蹴った けって蹴って
    にげ逃げ かくれ隠れ のむ飲む のみ飲み しに死に まいた巻いた まいて巻いて つる吊る つった吊った
    つって吊って おち落ち
    おわ終わ つらい辛い つらく辛く いたい痛い いたく痛く いや嫌 むり無理 いみ意味 あけ開け あか開か
    でられ出られ だして出して
    あばれ暴れ おこ怒 なげ投げ わった割った こわし壊し やいた焼いた やいて焼いて ける蹴る なにも何も
    かんじ感じ ねて寝て
"""
_PAIR = re.compile(r"([ぁ-ゖー]+)(\S+)")


def _table(lines: str) -> dict[str, str]:
    pairs = (_PAIR.fullmatch(word) for word in lines.split())
    return {pair[1]: pair[2] for pair in pairs if pair}


_READ = _table(_ANYWHERE + _WHERE_A_WORD_BEGINS)
_WORD = re.compile(
    "|".join(sorted(_table(_ANYWHERE), key=len, reverse=True))
    + "|(?<![ぁ-ゖァ-ヺー一-鿿A-Za-z])(?:"
    + "|".join(
        kana if len(kana) > 1 else f"{kana}(?![ぁ-ゖー])"
        for kana in sorted(_table(_WHERE_A_WORD_BEGINS), key=len, reverse=True)
    )
    + ")"
)
_KANJI = re.compile("[一-鿿]")
SHORTEST = 4
ONE_IN = 8
"""Texts with more kanji than one in so many characters are read as they stand."""


def fold_kana(text: str) -> Folded | None:
    """The text with the words of the table in kanji; None where it is not written in kana, or holds none of them."""
    if len(text) < SHORTEST or len(_KANJI.findall(text)) * ONE_IN > len(text):
        return None
    return fold_reread(text, _WORD, _READ.__getitem__)


def fold_latin(text: str) -> Folded | None:
    """The same with what is written in Latin letters read as kana: `shinitai` is しにたい. None without any."""
    return fold_reread(text, _LATIN, _fold_word)


_SLIP = re.compile(
    "[あいうえお]?(?<=[ぁ-ん一-鿿])[a-vyzａ-ｖｙｚ](?=[ぁ-ん一-鿿、。,.!?！？\\s]|$)"
    "|(?<![きぎしじちぢにひびぴみりてでふ])[ゃゅょ]|(?<![^\\s])っ(?!て)|っ(?=[らりるれろなにぬねのあいうえお])"
)
_FULL = str.maketrans("っゃゅょ", "つやゆよ")
_ROWS = {"a": "あ", "i": "い", "u": "う", "e": "え", "o": "お"}
_VOWELS = {kana: latin for latin, kana in _ROWS.items()}


def fold_slips(text: str) -> Folded | None:
    """The text without the letters an input method left behind: しにあtい is しにたい, ころｓれる is ころれる.

    Small kana that cannot be small are full ones: っらぃ is つらい. None without any.
    """
    return fold_reread(text, _SLIP, _mended)


def _mended(slip: str) -> str:
    if slip in "っゃゅょ":
        return slip.translate(_FULL)
    plain = visible(slip).casefold()
    if len(plain) == 1:
        return ""
    return term(jaconv.alphabet2kana(plain[1] + _VOWELS[plain[0]])) if plain[1] not in _ROWS else plain[0]


@lru_cache(maxsize=4096)
def _fold_word(word: str) -> str:
    plain = visible(word).casefold().replace("’", "'")
    return term(jaconv.alphabet2kana(plain))
