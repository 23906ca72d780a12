"""Nothing is asked for twice unless the service surely did nothing, and each repeat is in the log with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.protocol import Failed, Finished
from bridge.regen.client import ATTEMPTS
from tests.faults.outcome import KEY, observe
from tests.regen_server import RegenServer
from tests.unit.history_jobs import run_a_job

#: The service said that it did nothing, and when it may be asked again; or there was no TLS to send anything over.
MAY_BE_REPEATED = ("http-429-wait-0", "http-429-wait-past")

#: Whatever came of these, the service may have charged, or would say the same again.
MUST_NOT_BE_REPEATED = (
    "good", "reset-after-body", "closed-after-body", "reset-mid-answer", "closed-mid-answer", "closed-at-once",
    "http-503-wait-0", "inside-503-wait", "gives-up-502", "gives-up-503", "gives-up-504", "http-524-json", "portal-200",
    "reset-mid-head", "stall-after-body", "http-500-json", "http-503-json", "http-429-json", "http-401-json",
    "http-429-wait-an-hour", "http-503-wait-absurd", "redirect-307-same-origin", "size-half", "json-none",
    "status-line-garbage", "gzip-broken", "no-content", "empty", "body-missing",
)  # fmt: skip

_QUIET = settings(
    deadline=None, derandomize=True, max_examples=60, database=None, suppress_health_check=list(HealthCheck)
)


@_QUIET
@given(st.lists(st.sampled_from(MAY_BE_REPEATED + MUST_NOT_BE_REPEATED), min_size=1, max_size=5))
def test_a_request_is_repeated_only_as_long_as_the_service_surely_did_nothing(faults: list[str]) -> None:
    outcome = observe(*faults, answer=1.0)
    met = [faults[min(at, len(faults) - 1)] for at in range(ATTEMPTS)]
    refused = next((at for at, fault in enumerate(met) if fault not in MAY_BE_REPEATED), ATTEMPTS - 1)
    assert outcome.connections == 1 + refused
    assert outcome.arrived <= 1 + refused
    assert outcome.repeated == refused, "each repeat is in the log, with “because: …”"


_BEHAVIOURS: tuple[dict[str, Any], ...] = (
    {},
    {"answer": "status", "status_code": 500, "body": "no"},
    {"answer": "status", "http": 503, "status_code": 503, "body": "busy", "headers": {"Retry-After": "0"}},
    {"answer": "status", "http": 429, "status_code": 429, "body": "later", "headers": {"Retry-After": "0"}},
    {"answer": "status", "http": 429, "status_code": 429, "body": "much later", "headers": {"Retry-After": "999"}},
    {"close": "after-body"},
    {"close": "mid-answer"},
    {"size": [3, 3]},
    {"answer": "raw", "text": "<html>"},
)


@_QUIET
@given(st.lists(st.sampled_from(_BEHAVIOURS), max_size=12), st.integers(1, 4))
def test_a_whole_job_asks_no_more_often_than_it_must(behaviours: list[dict[str, Any]], variations: int) -> None:
    with pytest.MonkeyPatch.context() as patch, RegenServer() as server, _home(patch) as home:
        patch.setenv("PHOTIO_ORIGIN", server.origin)
        patch.setenv("PHOTIO_API_KEY", KEY)
        server.script(*behaviours)
        folder, end = run_a_job(
            variations=variations, resolution="native", selections=((30, 20, 8, 8),), canvas=(64, 48), prompt=""
        )
        requests = server.requests()
        repeatable = sum(each.get("http") == 429 for each in behaviours[: len(requests)])
        assert variations <= len(requests) <= variations + repeatable
        asked: dict[int, int] = {}
        for request in requests:
            asked[request["body"]["seed"]] = asked.get(request["body"]["seed"], 0) + 1
        assert max(asked.values()) <= ATTEMPTS
        assert len(asked) == variations
        came = sorted(file.name for file in folder.glob("answer-1-?.png"))
        assert len(came) == (len(end.results) if isinstance(end, Finished) else 0)
        assert isinstance(end, Finished | Failed)
        assert home.exists()


def _home(patch: pytest.MonkeyPatch) -> Any:
    """A home of the job's own."""
    import contextlib
    import tempfile

    @contextlib.contextmanager
    def made() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            patch.setenv("PHOTIO_HOME", folder)
            yield Path(folder)

    return made()
