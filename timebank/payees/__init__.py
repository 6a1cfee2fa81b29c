"""Whom the time bank pays: suppliers, members and charities, and the accounts that their money goes to."""
