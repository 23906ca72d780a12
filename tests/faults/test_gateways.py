"""Whatever stands before the service: a sentence that fits, and a word about the bill only where there may be one."""

from __future__ import annotations

import pytest

from tests.faults import gateway_faults
from tests.faults.client_faults import Row, unused
from tests.faults.gateway_faults import EARLY


def _early(status: int, code: str, says: str, repeated: int = 0) -> tuple[Row, ...]:
    """Nothing can be billed before the body has come, and no stall is waited for."""
    return tuple(
        Row(fault.name, code, says=says, billed=False, repeated=repeated, large=True) for fault in EARLY[status]
    )


AFTER = (
    Row("portal-200", "malformed-response", "part", says="log in to your network", billed=True),
    Row("gives-up-502", "service", says="gave up (502)", billed=True),
    Row("gives-up-503", "service", says="gave up (503)", billed=True),
    Row("gives-up-504", "service", says="gave up (504)", billed=True),
    Row("early-hints-then-all", "refused", says="(404)", billed=False, large=True),
)

BEFORE = (
    *_early(200, "malformed-response", "log in to your network"),
    *_early(302, "redirect", "log in to your network"),
    *_early(401, "authentication", "does not accept the API key"),
    *_early(403, "refused", "a firewall, refused the request (403)"),
    *_early(413, "refused", "too large for the service (413)"),
    *_early(429, "rate-limit", "too many requests", repeated=2),
    *_early(502, "service", "a problem of its own (502)"),
    *_early(503, "service", "a problem of its own (503)", repeated=2),
    *_early(504, "service", "a problem of its own (504)"),
    *_early(524, "service", "a problem of its own (524)"),
)


@pytest.mark.parametrize("row", [*AFTER, *BEFORE], ids=lambda row: row.id)
def test_what_stands_before_the_service_costs_one_sentence(row: Row) -> None:
    assert row.broken_promises(row.run()) == []


def test_every_fault_of_what_stands_before_the_service_is_tried() -> None:
    assert unused((*AFTER, *BEFORE), gateway_faults.FAULTS) == set()
