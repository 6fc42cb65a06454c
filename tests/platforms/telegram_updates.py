"""Updates of Telegram in their official shapes, full of names as real ones are [platforms.md §2, Profile]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.platforms.telegram_setup import TelegramSetup, Update

_FAMILY: Final = ("佐藤", "鈴木", "高橋", "田中", "伊藤", "Иванова", "O'Brien")
_GIVEN: Final = ("はなこ", "太郎", "みさき", "蓮", "Anna-Maria", "<b>Bob</b>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Telegram user with a private chat, which has the user's id."""

    id: int
    first_name: str
    last_name: str
    username: str
    language_code: str = "ja"

    @property
    def identity(self) -> tuple[str, ...]:
        """Strings that must be found nowhere in the clear: each is this person's alone."""
        return (str(self.id), self.first_name, self.last_name, self.username)

    @property
    def user(self) -> dict[str, Any]:
        """The Bot API's User."""
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        more = {"language_code": self.language_code, "is_premium": True}
        return {"id": self.id, "is_bot": False, **names, **more}

    @property
    def chat(self) -> dict[str, Any]:
        """The Bot API's Chat."""
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        return {"id": self.id, "type": "private", **names}


class TelegramUpdates(TelegramSetup):
    """Makes updates. Each has an update_id above all before."""

    def new_person(self) -> Person:
        """A user whose chat with us is open."""
        tag = f"{self.random.getrandbits(40):010x}"
        person = Person(
            id=self.random.randrange(10**9, 6 * 10**9),
            first_name=f"{self.random.choice(_GIVEN)}{tag}",
            last_name=f"{self.random.choice(_FAMILY)}{tag[::-1]}",
            username=f"user_{tag}",
        )
        self.chats[person.id] = person.chat
        return person

    def new_group(self) -> dict[str, Any]:
        """A group's Chat."""
        return self._new_chat("supergroup", "ひみつの集まり")

    def update(self, kind: str, content: dict[str, Any]) -> Update:
        """An Update of any kind, also of one that no description has."""
        self._last_update += 1
        return {"update_id": self._last_update, kind: content}

    # -- messages ----------------------------------------------------------------------------

    def message(self, person: Person, chat: dict[str, Any] | None = None, **content: Any) -> dict[str, Any]:
        """A Message by the person, in the private chat unless another is given."""
        place = {"message_id": self.message_id(), "from": person.user, "chat": chat or person.chat}
        return {**place, "date": int(self.clock()), **content}

    def text(self, person: Person, text: str, **more: Any) -> Update:
        return self.update("message", self.message(person, text=text, **more))

    def start(self, person: Person, payload: str = "") -> Update:
        """/start, with the payload of a deep link if there is one."""
        entity = {"type": "bot_command", "offset": 0, "length": 6}
        return self.text(person, f"/start {payload}".strip(), entities=[entity])

    def edited(self, update: Update, text: str) -> Update:
        """The same message with another text, some time later."""
        return self.update(
            "edited_message", {**update["message"], "text": text, "edit_date": int(self.clock())}
        )

    def sticker(self, person: Person, emoji: str = "😢") -> Update:
        size = {"width": 512, "height": 512, "is_animated": False, "is_video": False}
        named = {"type": "regular", "emoji": emoji, "set_name": f"by_{person.username}"}
        return self.update("message", self.message(person, sticker={**self._file(), **size, **named}))

    def photo(self, person: Person, caption: str | None = None) -> Update:
        sizes = [{**self._file(), "width": width, "height": width} for width in (90, 320, 800)]
        more: dict[str, Any] = {} if caption is None else {"caption": caption}
        return self.update("message", self.message(person, photo=sizes, **more))

    def voice(self, person: Person) -> Update:
        return self.update("message", self.message(person, voice={**self._file(), "duration": 4}))

    def document(self, person: Person) -> Update:
        content = {**self._file(), "file_name": f"{person.last_name}.pdf"}
        return self.update("message", self.message(person, document=content))

    def location(self, person: Person) -> Update:
        return self.update("message", self.message(person, location={"latitude": 35.68, "longitude": 139.75}))

    def contact(self, person: Person) -> Update:
        content = {"phone_number": "+819012345678", "first_name": person.first_name, "user_id": person.id}
        return self.update("message", self.message(person, contact=content))

    def forwarded(self, person: Person, of: Person, text: str) -> Update:
        """A message that another person wrote; carries that person's names as well."""
        origin = {"type": "user", "date": int(self.clock()), "sender_user": of.user}
        return self.text(person, text, forward_origin=origin)

    def group_text(self, person: Person, group: dict[str, Any], text: str) -> Update:
        return self.update("message", self.message(person, group, text=text))

    def channel_post(self, text: str) -> Update:
        channel = self._new_chat("channel", "お知らせ")
        place = {"message_id": self.message_id(), "sender_chat": channel, "chat": channel}
        return self.update("channel_post", {**place, "date": int(self.clock()), "text": text})

    # -- buttons, membership -----------------------------------------------------------------

    def callback(self, person: Person, message: dict[str, Any], data: str) -> Update:
        """A tap on an inline button of a message that was sent."""
        query = str(self.random.getrandbits(62))
        self.queries[query] = False
        return self.update(
            "callback_query",
            {
                "id": query,
                "from": person.user,
                "message": dict(message),
                "chat_instance": str(-self.random.getrandbits(62)),
                "data": data,
            },
        )

    def membership(self, person: Person, status: str, chat: dict[str, Any] | None = None) -> Update:
        """my_chat_member: `kicked` (blocked us, threw us out) or `member` (unblocked, let us in)."""
        place = chat or person.chat
        self.chats[place["id"]] = place
        if status in {"kicked", "left"}:
            self.blocked.add(place["id"])
        else:
            self.blocked.discard(place["id"])
        before = {"kicked": "member", "left": "member"}.get(status, "kicked" if chat is None else "left")
        content = {"chat": place, "from": person.user, "date": int(self.clock())}
        content |= {"old_chat_member": self._member(before), "new_chat_member": self._member(status)}
        return self.update("my_chat_member", content)

    def unknown(self, person: Person, kind: str = "tea_ceremony") -> Update:
        """A kind newer than any description."""
        return self.update(kind, {"from": person.user, "chat": person.chat, "date": int(self.clock())})

    def every_kind(self, person: Person, other: Person) -> dict[str, Update]:
        """One update of every kind that can come, by a name."""
        text = self.text(person, "こんにちは")
        group = self.new_group()
        sent = {**self.message(person, text="メニュー"), "from": self.bot}
        reaction = {"chat": person.chat, "message_id": 1, "user": person.user, "date": int(self.clock())}
        reaction |= {"old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}]}
        inline = {"id": "1", "from": person.user, "query": "q", "offset": ""}
        return {
            "text": text,
            "start": self.start(person),
            "start_payload": self.start(person, "poster-1_A"),
            "edited_message": self.edited(text, "こんばんは"),
            "sticker": self.sticker(person),
            "photo": self.photo(person),
            "photo_caption": self.photo(person, "うちの猫"),
            "voice": self.voice(person),
            "document": self.document(person),
            "location": self.location(person),
            "contact": self.contact(person),
            "forwarded": self.forwarded(person, other, "読んで"),
            "reply": self.text(person, "はい", reply_to_message=sent),
            "group_text": self.group_text(person, group, "みんなへ"),
            "channel_post": self.channel_post("おしらせ"),
            "callback_query": self.callback(person, sent, "data"),
            "group_joined": self.membership(person, "member", group),
            "group_left": self.membership(person, "kicked", group),
            "message_reaction": self.update("message_reaction", reaction),
            "inline_query": self.update("inline_query", inline),
            "unknown": self.unknown(person),
            "blocked": self.membership(person, "kicked"),
            "unblocked": self.membership(person, "member"),
        }

    # -- parts -------------------------------------------------------------------------------

    def _new_chat(self, kind: str, title: str) -> dict[str, Any]:
        chat_id = -(10**12) - self.random.randrange(10**9, 2 * 10**9)
        chat = {"id": chat_id, "type": kind, "title": title}
        self.chats[chat_id] = chat
        return chat

    def _file(self) -> dict[str, Any]:
        name = f"{self.random.getrandbits(96):x}"
        return {"file_id": f"AgAC{name}", "file_unique_id": f"AQAD{name[:8]}", "file_size": 2138}

    def _member(self, status: str) -> dict[str, Any]:
        rights = (
            "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats"
            " can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories"
            " can_edit_stories can_delete_stories"
        )
        more: dict[str, dict[str, Any]] = {
            "kicked": {"until_date": 0},
            "administrator": dict.fromkeys(rights.split(), False),
        }
        return {"user": self.bot, "status": status, **more.get(status, {})}
