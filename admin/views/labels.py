"""What the house knows, in words for staff: levels, reasons, entrances, what became of a message. Pure."""

from __future__ import annotations

from admin.words import Words, marked
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Ticket
from bot.store import outbox

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
}
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


def delivery(t: Words, state: str | None, via: str | None, error_code: str | None, account_id: str) -> str:
    """What became of something we sent, in words; empty for what was never to be sent."""
    reason = t(NOT_SENT_BECAUSE.get(error_code or "", NO_REASON))
    match state:
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
            return t("We cannot tell whether it arrived")
        case outbox.FAILED:
            return t("Not delivered. {reason}.", reason=reason)
        case outbox.CANCELLED:
            return t("Not sent. {reason}.", reason=reason)
        case _:
            return ""
