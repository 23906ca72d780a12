"""The root of every error that a user may meet."""

from __future__ import annotations


class PhotioError(Exception):
    """Something went wrong, and the user can be told what to do about it.

    Attributes:
        code: a stable word for programs ("authentication", "time-out", …), set by each class.
        sentence: one sentence for the user: what happened and what to do.
        details: more for the log; never contains the key.
    """

    code = "error"

    def __init__(self, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details
