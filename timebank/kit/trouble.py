"""Trouble outside: a mail server or a gateway that does not do its part. Work goes on when it is over."""


class Trouble(Exception):
    """What keeps background work from being done, as a sentence for whoever runs the time bank. No personal data."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
