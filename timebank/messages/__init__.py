"""Messages to members, each by their own channel."""
