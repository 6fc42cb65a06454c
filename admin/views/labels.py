"""What the house knows, in words for staff: levels, reasons, entrances, what became of a message. Pure."""

from __future__ import annotations

from datetime import datetime

from admin.words import Words, marked
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Ticket
from bot.runtime.spooling import Kept
from bot.store import outbox
from bot.store.accounts import Account

LEVELS = {
    Level.EMERGENCY: ("em", marked("Emergency")),
    Level.HIGH: ("hi", marked("High")),
    Level.CONCERN: ("co", marked("Concern")),
}
NO_LEVEL = marked("No level")

REASONS = {
    Reason.REQUEST: marked("Wants to talk with a person"),
    Reason.RISK: marked("Words that need a look"),
    Reason.UNSCANNED: marked("A message could not be checked"),
    Reason.STRANDED: marked("The guide could not go on"),
    Reason.UNDELIVERABLE: marked("What was sent has not arrived"),
    Reason.FAMILY: marked("A family wants to talk with a person"),
    Reason.SUPPORTER: marked("A supporter wants to talk with a person"),
    Reason.FOLLOW_UP: marked("A word was agreed on for today"),
}

CATEGORIES = {
    "suicide": marked("wish to die"),
    "self_harm": marked("self-harm"),
    "abuse": marked("being hurt by someone"),
    "violence": marked("violence at home"),
    "medical": marked("state of the body"),
    "hopelessness": marked("loss of hope"),
}
OTHER_CATEGORY = marked("something else")

ENTRANCES = {"line": "LINE", "telegram": "Telegram", "web": marked("Web")}

SENT_BY = {
    "reply": marked("Sent as a reply (free)"),
    "push": marked("Sent as a push"),
    "web": marked("Sent on the web"),
    "telegram": marked("Sent on Telegram"),
}
NOT_SENT_BECAUSE = {
    "throttled": marked("The platform is busy"),
    "unreachable": marked("The platform does not answer"),
    "hint_spent": marked("The time for a free reply has passed"),
    "rejected": marked("The platform does not take this message"),
    "contact_gone": marked("Receiving is paused on their side"),
    "misconfigured": marked("The settings of this entrance need a look"),
    "silenced": marked("A person has taken over"),
    "stale": marked("It became old while it waited"),
    "unreadable": marked("What was to be sent cannot be read"),
}
HELD_BECAUSE = {
    "quota": marked("The pushes of this month are used up"),
    "quota_low": marked("Few pushes are left this month, and this can wait"),
    "pacing": marked("Many messages are going out at this entrance"),
}
"""Why a channel holds a send back although nothing failed (bot.messages.Hold)."""
NOTHING_COMES_IN = marked("What people write may not come in at present")
AILMENTS = {
    "polled_elsewhere": NOTHING_COMES_IN,
    "misconfigured": marked("The settings of this entrance need a look"),
    "unreachable": marked("The platform does not answer"),
    "throttled": marked("The platform is busy"),
}
NOT_KNOWN = marked("How this entrance is cannot be told at present")
NO_REASON = marked("The reason is not known")
SENT = marked("Sent")


def category(t: Words, name: str) -> str:
    """A risk category in words; never the words that were written."""
    return t(CATEGORIES.get(name, OTHER_CATEGORY))


def categories(t: Words, ticket: Ticket) -> str:
    """All risk categories of a ticket, the most urgent first; empty when there are none."""
    hits = sorted(ticket.hits, key=lambda hit: -hit.level)
    return t(", ").join(category(t, name) for name in dict.fromkeys(hit.category for hit in hits))


def why(t: Words, ticket: Ticket) -> str:
    """Why a ticket is here, in one line."""
    found = categories(t, ticket)
    said = t("Words: {category}", category=found) if found else ""
    if ticket.reason is Reason.RISK:
        return said or t(REASONS[Reason.RISK])
    return t(" / ").join(filter(None, (t(REASONS[ticket.reason]), said)))


def entrance(t: Words, account_id: str) -> str:
    """Where the person writes from; a second account of a platform with its name."""
    platform, _, account = account_id.partition("/")
    name = t(ENTRANCES.get(platform, platform))
    return f"{name} {account}" if account else name


def ailing(t: Words, account: Account) -> str:
    """What is wrong with an entrance, in one line; empty when nothing is."""
    if not account.ailment:
        return ""
    comes_in = account.ailment.startswith("webhook_")
    said = NOTHING_COMES_IN if comes_in else AILMENTS.get(account.ailment, NOT_KNOWN)
    return t("{entrance}: {what}.", entrance=entrance(t, account.account_id), what=t(said))


def spooled(t: Words, kept: Kept) -> list[str]:
    """What came in while the database was away, and is not here yet."""
    waits = t("Some of what people wrote came in while the database was away, and is being brought in now.")
    aside = t("Something people wrote could not be stored. Tell whoever looks after the server.")
    return [waits] * bool(kept.waiting) + [aside] * bool(kept.aside)


def kept_too_long(t: Words, *, late: bool) -> list[str]:
    """That people's words are here for longer than they were told (B11)."""
    stopped = t("Nothing was deleted by age for a day. Tell whoever looks after the server.")
    return [stopped] * late


def delivery(
    t: Words, state: str | None, via: str | None, error_code: str | None, account_id: str, until: str = ""
) -> str:
    """What became of something we sent, in words; empty for what was never to be sent.

    `until`: when something that is held back is looked at again, in words, if that is a while.
    """
    code = error_code or ""
    reason = t(NOT_SENT_BECAUSE.get(code, NO_REASON))
    match state:
        case outbox.QUEUED if code in HELD_BECAUSE:
            reason = t(HELD_BECAUSE[code])
            if until:
                return t("Waits until {time}. {reason}.", time=until, reason=reason)
            return t("Waits. {reason}.", reason=reason)
        case outbox.QUEUED if error_code:
            return t("Not delivered. {reason}. It will be tried again.", reason=reason)
        case outbox.QUEUED:
            return t("Waiting its turn")
        case outbox.SENDING:
            return t("Being sent")
        case outbox.SENT:
            way = via if via in SENT_BY else account_id.partition("/")[0]
            return t(SENT_BY.get(way or "", SENT))
        case outbox.UNCERTAIN:
            told = t("We cannot tell whether it arrived")
            return t("{told}. {reason}.", told=told, reason=reason) if code in NOT_SENT_BECAUSE else told
        case outbox.FAILED:
            return t("Not delivered. {reason}.", reason=reason)
        case outbox.CANCELLED:
            return t("Not sent. {reason}.", reason=reason)
        case _:
            return ""


def cost(t: Words, account_id: str, free_until: datetime | None, now: datetime) -> str:
    """What an answer costs at this entrance, in words; empty where sending is always free."""
    if account_id.partition("/")[0] != "line":
        return ""
    if free_until is None or free_until <= now:
        return t("Goes as one push")
    seconds = max(10, round((free_until - now).total_seconds(), -1))
    return t("Goes as a free reply for about {n} s, then as one push", n=int(seconds))
