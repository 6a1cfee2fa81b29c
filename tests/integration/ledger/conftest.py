"""The ledger's fixtures, for these tests."""

from tests.integration.ledger.fixtures import book, newest, oldest, server

__all__ = ["book", "newest", "oldest", "server"]
