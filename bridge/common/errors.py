"""The base class of every error that a user may see."""

from __future__ import annotations


class PhotioError(Exception):
    """Something failed, and the user can be told what to do about it.

    Attributes:
        code: a stable identifier for programs ("authentication", "time-out", …); each class has one of its own.
        sentence: what happened and what to do, in one sentence for the user.
        details: more for the log; never contains the key.
    """

    code = "error"

    def __init__(self, sentence: str, details: str = "", code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details
        self.code = code or self.code
