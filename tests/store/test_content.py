"""Documents and releases: a release never changes, and two who publish at once do not mix."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from bot.content import codec
from bot.content.check import check
from bot.content.library import Library
from bot.errors import ContentError
from bot.handoff.hours import TOKYO
from bot.store import content, migrate, releasing
from bot.store.schema import operators, releases, revisions
from tests.store.ready import NOW, OPERATOR, Store, at_once, blocked, raised

Document = tuple[str, str, dict[str, Any]]


def publish(store: Store, *documents: Document, operator: str = "test") -> int:
    return int(store.run(releasing.publish, operator, documents, "", NOW))


@pytest.fixture
def store(store: Store) -> Store:
    """With an operator that has no release yet."""
    store.run(lambda connection: connection.execute(operators.insert().values(operator_id="test")))
    return store


def test_a_release_never_changes(store: Store) -> None:
    """What release 1 said it says for ever, whatever is published later."""
    a, b = ("text", "a", {"x": 1}), ("text", "b", {"y": ["あ"]})
    assert publish(store, b, a) == 1
    assert publish(store, ("text", "a", {"x": 2}), b) == 2
    assert publish(store, b) == 3
    assert store.run(content.documents, "test", 1) == [a, b]
    assert store.run(content.documents, "test", 2) == [("text", "a", {"x": 2}), b]
    assert store.run(content.documents, "test", 3) == [b]
    assert store.run(content.latest_number, "test") == 3
    assert store.run(content.documents, "test", 4) == []


def test_only_what_changed_is_new(store: Store) -> None:
    """A document that stays the same keeps its revision; going back to older words is a new one."""
    for words in ("あ", "あ", "い", "あ"):
        publish(store, ("text", "a", {"words": words}), ("text", "b", {}))
    found = store.rows(
        select(revisions.c.name, revisions.c.revision)
        .where(revisions.c.operator_id == "test")
        .order_by(revisions.c.name, revisions.c.revision)
    )
    assert found == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]


def test_operators_publish_for_themselves(store: Store) -> None:
    """The numbers and documents of one operator are not the other's."""
    assert publish(store, ("text", "a", {"x": 1})) == 1
    assert store.run(content.latest_number, OPERATOR) == 1
    assert len(store.run(content.documents, OPERATOR, 1)) == len(codec.seed())
    assert store.run(content.latest_number, "nobody") == 0


def test_two_publish_at_once(store: Store) -> None:
    """One wins a number; who loses leaves nothing and may try again on top of it."""
    with store.another() as other:
        for number in range(1, 8):
            mine, theirs = ("text", "a", {"by": "me", "n": number}), ("text", "a", {"by": "you", "n": number})
            outcomes = at_once(partial(publish, store, mine), partial(publish, other, theirs))
            lost = raised(outcomes)
            assert all(isinstance(one, IntegrityError) for one in lost)
            won = [one for one in outcomes if isinstance(one, int)]
            assert won
            latest = store.run(content.latest_number, "test")
            assert latest == max(won)
            assert len(store.run(content.documents, "test", latest)) == 1
    total = store.value(select(func.count()).select_from(releases).where(releases.c.operator_id == "test"))
    bodies = store.value(select(func.count()).select_from(revisions).where(revisions.c.operator_id == "test"))
    assert total == bodies == store.run(content.latest_number, "test")


class TestLibrary:
    def test_the_seed_is_release_1(self, store: Store) -> None:
        """An empty installation gets the shipped content once; importing it again does nothing."""
        library = Library(OPERATOR)
        assert store.run(library.import_seed, NOW) == 1
        released = store.run(library.released)
        assert released.number == 1
        assert set(released.latest.flows) == {
            document.name for document in codec.seed() if document.kind == "flow"
        }

    def test_the_seed_is_imported_once(self, postgresql_store: Store) -> None:
        """A process that began to import it while another one did makes no second release of it."""
        store = postgresql_store
        store.run(lambda connection: connection.execute(operators.insert().values(operator_id="test")))
        with store.another() as other, store.engine.connect() as first:
            with first.begin():
                Library("test").import_seed(first, NOW)
                second = blocked(store, lambda: other.run(Library("test").import_seed, NOW))
            with pytest.raises(IntegrityError):
                second.result(timeout=10)
            assert other.run(Library("test").import_seed, NOW) == 1

    def test_older_step_graphs_are_at_hand(self, store: Store) -> None:
        """A pinned release is read along with the latest; one that never was is left out."""
        library = Library(OPERATOR)
        assert store.run(library.publish, codec.seed(), "again", NOW) == 2
        released = store.run(library.released, [1, 7])
        assert (released.number, list(released.older)) == (2, [1])
        assert library.at_hand == released

    def test_what_blocks_is_not_published(self, store: Store) -> None:
        """Content that would break for a person leaves no release behind."""
        broken = [one for one in codec.seed() if (one.kind, one.name) != ("flow", "F-START")]
        with pytest.raises(ContentError):
            store.run(Library(OPERATOR).publish, broken, "", NOW)
        assert store.run(content.latest_number, OPERATOR) == 1

    def test_a_line_whose_approval_ran_out_is_not_published(self, store: Store) -> None:
        """R-079: approved until yesterday; the same line, approved until today, is."""
        others = [one for one in codec.seed() if (one.kind, one.name) != ("hotline", "yorisoi")]

        def lines(until: date) -> list[codec.Document]:
            body = {"id": "yorisoi", "name": "見本の電話", "number": "000", "about": "見本", "hours": "昼"}
            approved = {"proposed_by": "mori", "approved_by": "mizuno", "checked_until": until.isoformat()}
            return [*others, codec.Document(kind="hotline", name="yorisoi", body=body | approved)]

        today = NOW.astimezone(TOKYO).date()
        with pytest.raises(ContentError, match="hotline/yorisoi/checked_until"):
            store.run(Library(OPERATOR).publish, lines(today - timedelta(days=1)), "", NOW)
        assert store.run(Library(OPERATOR).publish, lines(today), "", NOW) == 2

    def test_only_a_demonstration_shows_lines_nobody_approved(self, store: Store) -> None:
        """And marks them (R-079)."""
        library = Library(OPERATOR)
        assert "見本" not in store.run(library.released).values(NOW)["open_lines"]
        library.samples = True
        assert "見本・未確認" in store.run(library.released).values(NOW)["open_lines"]

    def test_without_any_release(self, store: Store) -> None:
        """It says what to do."""
        with pytest.raises(ContentError, match="engawa migrate"):
            store.run(Library("test").released)
        assert migrate.DEFAULT_OPERATOR == OPERATOR


def test_nothing_is_published_with_words_that_block(store: Store) -> None:
    """R-044: no override exists; the release stays what it was, and what is told names the words and the place."""
    library = Library("test")
    number = store.run(library.import_seed, NOW)
    raw = "kind: article\nid: a\ntitle: 見本\npages: [ぜひ来てください。]\n"
    bad = codec.documents_of(codec.read_yaml(raw, "a.yaml"), "a.yaml")
    pack = codec.build(2, [*codec.seed(), *bad])
    assert [issue.path for issue in check(pack) if issue.blocks] == ["article/a/pages[0]"]
    with pytest.raises(ContentError, match=r"article/a/pages\[0\]"):
        store.run(library.publish, [*codec.seed(), *bad], "", NOW)
    assert store.run(library.released).number == number


def test_new_rules_are_made_beside(store: Store) -> None:
    """Where somebody makes them, nobody's turn waits: the release before answers until they are ready."""
    store.run(lambda connection: connection.execute(operators.insert().values(operator_id="beside")))
    here, there, asked = Library("beside"), Library("beside"), list[int]()
    store.run(here.import_seed, NOW)
    assert store.run(there.released).number == 1
    there.beside = asked.append
    rule, *others = [one for one in codec.seed() if one.kind == "risk_rule"]
    told = [
        one for one in codec.seed() if (one.kind, one.name) != (rule.kind, rule.name) and one.kind != "letter"
    ]
    letters = [one for one in codec.seed() if (one.kind, one.name) != (others[0].kind, others[0].name)]
    assert store.run(here.publish, letters, "", NOW) == 2
    assert store.run(there.released).number == 1
    assert store.run(there.released).number == 1
    assert asked == [2]
    assert store.run(there.released, [2]).number == 2, "who is pinned to it needs it at once"
    assert store.run(here.publish, told, "", NOW) == 3
    assert store.run(there.released).number == 2
    store.run(there.make, 3)
    assert store.run(there.released).number == 3
    assert asked == [2, 3]
    fewer = [one for one in told if one.kind != "article"]
    assert store.run(here.publish, fewer, "", NOW) == 4
    assert store.run(there.released).number == 4, "with the same rules it is there at once"
    assert store.run(here.released).number == 4
    assert asked == [2, 3]
