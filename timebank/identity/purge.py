"""Forgetting what signing in has left behind: ended sessions, old links, old attempts."""

from datetime import datetime, timedelta

from timebank.db import Database

KEEP_LINKS = timedelta(days=30)
KEEP_ATTEMPTS = timedelta(days=30)  # pauses look back a day; the rest is for finding out who tried
MAX_ROWS = 10_000

SESSIONS = """
delete from web_session
 where token_sha256 in (select token_sha256 from web_session where timebank_id = $1 and expires_at < $2 limit $3)
"""
LINKS = """
delete from sign_in_link
 where token_sha256 in (select token_sha256 from sign_in_link where timebank_id = $1 and expires_at < $2 limit $3)
"""
ATTEMPTS = "delete from sign_in_attempt where id in (select id from sign_in_attempt where at < $1 limit $2)"


async def purge(db: Database, timebank_id: int, now: datetime) -> None:
    """Delete what is over: sessions at once, links and attempts after a month. At most MAX_ROWS of each at a time.

    Attempts belong to no time bank; whichever comes first deletes them.
    """
    async with db.globally() as connection:
        await connection.execute(SESSIONS, timebank_id, now, MAX_ROWS)
        await connection.execute(LINKS, timebank_id, now - KEEP_LINKS, MAX_ROWS)
        await connection.execute(ATTEMPTS, now - KEEP_ATTEMPTS, MAX_ROWS)
