"""What the set-up window says. No GTK here."""

from __future__ import annotations

from bridge.common.i18n import _
from windows.setup.messages import Fetch, Plan, Step

_MEGABYTE = 1_000_000


def introduction(plan: Plan, neural: bool, damaged: bool) -> str:
    """Two sentences: what will be fetched, from where and how much; and where it is kept.

    Args:
        neural: MI-GAN is added.
        damaged: the bridge has said that it cannot work with its packages.
    """
    if neural:
        first = _("To add MI-GAN (licence: {licence}), Photio fetches about {total} MB: {things}.")
    elif damaged or plan.reason == "damaged":
        first = _("Photio's packages are damaged and will be fetched again, about {total} MB: {things}.")
    else:
        first = _("Before it is used for the first time, Photio fetches about {total} MB: {things}.")
    total = _megabytes(sum(fetch.size for fetch in plan.fetches))
    first = first.format(licence=plan.licence, total=total, things="; ".join(map(_thing, plan.fetches)))
    kept = _("All is kept in “{folder}”; nothing else on this computer is changed.").format(folder=plan.folder)
    return f"{first} {kept}"


def _thing(fetch: Fetch) -> str:
    text = _("{what} ({size} MB) from {source}")
    return text.format(what=fetch.what, size=_megabytes(fetch.size), source=fetch.source)


def progress(step: Step) -> str:
    """The step in words, with what has been fetched of it."""
    if step.name == "check":
        return _("Checking that everything works…")
    if step.name == "python" and not step.done:
        return _("Finding or fetching Python…")
    if step.total:
        amount = _("{done} of about {total} MB").format(done=_megabytes(step.done, 0), total=_megabytes(step.total))
    else:
        amount = _("{done} MB").format(done=_megabytes(step.done, 0))
    texts = {
        "uv": _("Fetching uv: {amount}"),
        "python": _("Fetching Python: {amount}"),
        "packages": _("Fetching the packages: {amount}"),
        "model": _("Fetching MI-GAN's model: {amount}"),
    }
    return texts.get(step.name, _("Setting up: {amount}")).format(amount=amount)


def hint(code: str) -> str:
    """What else may help against a failure; empty: nothing is known."""
    if code not in ("network", "proxy"):
        return ""
    return _(
        "Where a proxy leads to the internet, set the environment variable https_proxy before GIMP is started: "
        "“http://host:port”, or “http://name:password@host:port”."
    )


def _megabytes(size: int, least: int = 1) -> int:
    return max(round(size / _MEGABYTE), least)
