"""A mail server on this machine (RFC 5321, as much as a client needs): it takes mail, or refuses as it was told."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message
from email.policy import default


class FakeMail:
    """`refuses`: the answer to RCPT while it is set, such as `450 try later`."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.refuses = ""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 mail.test ready")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "QUIT":
                await say("221 bye")
                break
            if verb == "RCPT" and self.refuses:
                await say(self.refuses)
            elif verb == "DATA":
                await say("354 go on")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.taken.append(email.message_from_bytes(raw[:-3], policy=default))
                await say("250 taken")
            else:
                await say("250 ok")
        writer.close()


@asynccontextmanager
async def a_mail_server() -> AsyncIterator[FakeMail]:
    """A server on a free port of this machine."""
    fake = FakeMail()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        await server.wait_closed()
