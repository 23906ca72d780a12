"""The service of `history_jobs` for every test here."""

from tests.unit.history_jobs import server  # noqa: F401  (a fixture)
