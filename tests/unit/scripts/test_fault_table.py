"""The page of faults says the same after each run."""

from __future__ import annotations

from scripts.faults.table import Row, document


def test_two_runs_give_the_same_page() -> None:
    def page(port: int, folder: str) -> str:
        sentence = f"The proxy http://127.0.0.1:{port}, which ALL_PROXY names, refuses: see “/tmp/{folder}/home/log”."
        told = {"sentence": sentence, "image": "untouched", "kept": "none"}
        return document([Row(f"a proxy at 127.0.0.1:{port}", "The connection", survived=True, told=told)])

    assert page(43391, "one") == page(8080, "another")
    assert "http://127.0.0.1:PORT, which" in page(43391, "one")
