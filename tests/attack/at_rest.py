"""What lies on the disk: canaries, known ids, swapped cells, what was erased."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, update

from bot.messages import Address
from bot.store.database import make_engine, parse_url
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.schema import contacts, metadata, timeline
from tests.attack.bars import bar, check
from tests.attack.stage import Stage, content
from tests.security.test_known_ids import guesses

IDS: Final = [f"U{hashlib.sha256(str(number).encode()).hexdigest()[:32]}" for number in range(10_000)]
THERE: Final = IDS[::100]
GONE_WITHIN: Final = 60.0  # seconds (B8)
READS_FOR: Final = 8.0  # seconds somebody else reads the file meanwhile


def files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


@bar("B1", "canaries show nowhere on the disk", on_both=True)
async def canary_sweep(stage: Stage) -> str:
    """People write secrets on three channels, with secrets in every header; then every byte below is searched."""
    make, plain = stage.canaries.make, stage.canaries.plain
    user, someone = stage.canaries.note("line user", stage.line.new_user()), stage.telegram.new_person()
    for number in range(60):
        await stage.line.says(user, make(f"line {number}"))
        if number % 3 == 0:
            await stage.telegram.says(someone, make(f"telegram {number}"))
    person = await stage.person()
    stage.canaries.note("cookie", person.cookie.partition("=")[2])
    for number in range(30):
        check((await person.says(make(f"web {number}"))).status == 202, "a message was not taken")
    for name in ("User-Agent", "Referer", "Cookie", "X-Forwarded-For", "Last-Event-ID", "Authorization"):
        await stage.ask("GET", f"/chat?lang={plain(f'query {name}')}", headers={name: plain(name)})
    for path in ("/places?area=", "/nowhere/", "/chat/move/", "/admin/tickets/", "/read/"):
        await stage.ask("GET", path + plain(f"path {path}"))
    broken = f'{{"text": "{make("broken")}'.encode()
    check(
        (await stage.ask("POST", "/chat/api/messages", cookie=person.cookie, body=broken)).status == 400, ""
    )
    await stage.ask("POST", "/webhooks/line", body=broken, headers={"X-Line-Signature": plain("signature")})
    await stage.settled()
    swept = [*files(stage.folder), *(stage.files() if stage.postgresql else ()), *stage.logs()]
    found = {path.name: sung for path in swept if (sung := stage.canaries.found_in(content(path)))}
    check(not found, f"canaries in {found}")
    size = sum(len(content(path)) for path in swept)
    return f"{len(stage.canaries)} canaries, {len(swept)} files, {size >> 10} kB: none found"


@bar("B2", "a list of ids beside a copied database", on_both=True)
async def known_ids(stage: Stage) -> str:
    """100 of 10,000 write. A thief with the files learns none; with the key all, so the search can find."""
    for start in range(0, len(THERE), 20):
        await stage.line.deliver(*[stage.line.text(one, "こんにちは") for one in THERE[start : start + 20]])
    await stage.settled()
    copy = stage.stored()
    thief = [one for one in (*THERE, *IDS[1:500:25]) if any(guess in copy for guess in guesses(one))]
    check(not thief, f"{len(thief)} of {len(THERE)} were linked")
    keyring = stage.settings.keyring
    known = [
        one for one in IDS if keyring.address_key(DEFAULT_OPERATOR, Address(account="line", key=one)) in copy
    ]
    check(known == THERE, f"with the key {len(known)} were found instead of {len(THERE)}")
    return f"0 of {len(THERE)} linked without the key, {len(known)} with it"


@bar("B3", "swapped and flipped cells", on_both=True)
async def cell_swaps(stage: Stage) -> str:
    """Cells of two people change places on the disk: neither reads the other's words, and the rest is served."""
    one, two = await stage.person(), await stage.person()
    for person, words in ((one, "いちばん"), (two, "にばん")):
        for number in range(4):
            await person.says(f"{words} {number}")
    await stage.settled()
    mine = {person.cookie: len(await person.thread()) for person in (one, two)}
    cells = {}
    for words, person in (("いちばん", one), ("にばん", two)):
        address = Address(
            account="web", key=hashlib.sha256(person.cookie.partition("=")[2].encode()).hexdigest()
        )
        key = stage.settings.keyring.address_key(DEFAULT_OPERATOR, address)
        query = select(timeline).join(contacts, contacts.c.contact_id == timeline.c.contact_id)
        cells[words] = stage.rows(query.where(contacts.c.address_key == key).order_by(timeline.c.seq))
    flipped = cells["いちばん"][3]
    body = bytearray(flipped.sealed_body)
    body[len(body) // 2] ^= 1
    put = [(flipped, bytes(body))]
    for a, b in zip(cells["いちばん"][:3], cells["にばん"][:3], strict=True):
        put += [(a, b.sealed_body), (b, a.sealed_body)]
    thief = make_engine(parse_url(stage.environ["ENGAWA_DATABASE_URL"]), pool_size=1)
    with thief.begin() as connection:
        for row, cell in put:
            place = (timeline.c.contact_id == row.contact_id) & (timeline.c.seq == row.seq)
            connection.execute(update(timeline).where(place).values(sealed_body=cell))
    thief.dispose()
    for person, foreign in ((one, "にばん"), (two, "いちばん")):
        seen = await person.thread()
        check(not any(foreign in message["text"] for message in seen), "somebody reads another's words")
        check(0 < len(seen) < mine[person.cookie], "the damaged cells were served, or nothing was")
    check((await one.says("つづき")).status == 202, "the thread is closed to its owner")
    return f"6 cells swapped, 1 flipped: 0 foreign words, {len(await one.thread())} lines still served"


@bar("B8", "nothing of the erased in the files, also beside a reader", on_both=True)
async def erased(stage: Stage) -> str:
    """ぜんぶ消す while somebody else holds a reading transaction open; then every byte is searched."""
    person = await stage.person()
    for number in range(20):
        await person.says(f"消えることば {number}")
    await stage.settled()
    address = Address(account="web", key=hashlib.sha256(person.cookie.partition("=")[2].encode()).hexdigest())
    key = stage.settings.keyring.address_key(DEFAULT_OPERATOR, address)
    [contact] = stage.rows(select(contacts).where(contacts.c.address_key == key))
    keys = [bytes(contact.sealed_key), bytes(contact.sealed_address)[-40:], bytes(key)]
    cells = [contact.contact_id.encode()]
    own = [table for table in metadata.sorted_tables if "contact_id" in table.c]
    for table in own:
        for row in stage.rows(select(table).where(table.c.contact_id == contact.contact_id)):
            cells += [value[-40:] for value in row if isinstance(value, bytes) and len(value) > 40]
    # SQLite's files are to hold nothing at all; PostgreSQL's nothing that could open what its pages still hold.
    needles = keys if stage.postgresql else [*keys, *cells]
    check(all(needle in stage.stored() for needle in keys), "nothing to erase")
    reader = make_engine(parse_url(stage.environ["ENGAWA_DATABASE_URL"]), writes=False, pool_size=1)
    view = {"isolation_level": "REPEATABLE READ"} if stage.postgresql else {}
    await person.says("ぜんぶ消す")
    await stage.settled()
    offered = [choice for message in await person.thread() for choice in message["choices"]]
    [wipe] = {choice["id"] for choice in offered if choice["label"] == "消す"}
    with reader.connect().execution_options(**view) as connection, connection.begin():
        connection.execute(select(func.count()).select_from(timeline)).one()
        began = time.monotonic()
        check((await person.taps(wipe)).status == 202, "the erase was not taken")
        await asyncio.sleep(READS_FOR)
        check(
            any(needle in stage.stored() for needle in needles),
            "the reader kept nothing back, so this is easy",
        )
    reader.dispose()
    rows = [stage.rows(select(table).where(table.c.contact_id == contact.contact_id)) for table in own]
    check(not any(rows), "rows are left")
    while any(needle in stage.stored() for needle in needles):
        check(time.monotonic() - began < GONE_WITHIN, f"bytes are still there after {GONE_WITHIN:.0f} s")
        await asyncio.sleep(0.25)
    gone = time.monotonic() - began
    left = stage.stored()
    sealed = f", {sum(cell in left for cell in cells)} cells that nothing opens" if stage.postgresql else ""
    return f"{len(needles)} needles gone {gone:.1f} s after the word, {READS_FOR:.0f} s of them read{sealed}, 0 rows"


@bar("B48", "secrets are in no argument and no file that others may read")
async def process(stage: Stage) -> str:
    """The command line and the rights of every file of the data folder."""
    arguments = Path(f"/proc/{stage.server.pid}/cmdline").read_bytes()
    key = stage.environ["ENGAWA_KEYS"].partition(":")[2].encode()
    check(key not in arguments and not stage.canaries.found_in(arguments), "a secret stands in the arguments")
    loose = [path.name for path in files(stage.database.parent) if path.stat().st_mode & 0o077]
    check(not loose, f"others may read {loose}")
    return f"{stage.database.name} and its companions are 0600, arguments hold no secret"
