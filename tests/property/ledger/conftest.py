"""The ledger's fixtures, for the property tests."""

from tests.integration.ledger.fixtures import book, newest, oldest, server

__all__ = ["book", "newest", "oldest", "server"]
