"""What the set-up window says. No GTK here."""

from __future__ import annotations

from bridge.common.i18n import _
from windows.setup.messages import Fetch, Plan, Step

_MEGABYTE = 1_000_000


def introduction(plan: Plan, damaged: bool) -> str:
    """Two sentences: what will be fetched, from where and how much; and where it is kept.

    Args:
        damaged: the bridge has said that one of its packages is broken.
    """
    damaged = damaged or plan.reason == "damaged"
    if not plan.fetches:
        first = _("Photio has to be set up before it can be used; nothing has to be fetched for that.")
    elif damaged:
        first = _("The packages that Photio installed are damaged and will be fetched again: {things}.")
    elif plan.licence:
        first = _("To add MI-GAN (licence: {licence}), Photio fetches {things}.")
    else:
        first = _("Before it is used for the first time, Photio fetches {things}.")
    first = first.format(things=_listed(plan.fetches), licence=plan.licence)
    kept = _("All is kept in “{folder}”; nothing else on this computer is changed.").format(folder=plan.folder)
    return f"{first} {kept}"


def _listed(fetches: tuple[Fetch, ...]) -> str:
    things = [_thing(fetch) for fetch in fetches]
    if len(things) < 2:
        return "".join(things)
    listed = _("{some} and {last}").format(some=", ".join(things[:-1]), last=things[-1])
    total = sum(fetch.size for fetch in fetches)
    if not all(fetch.size for fetch in fetches):
        return listed
    return _("{things}, about {total} MB in all").format(things=listed, total=_megabytes(total))


def _thing(fetch: Fetch) -> str:
    text = _("{what} ({size} MB) from {source}") if fetch.size else _("{what} from {source}")
    return text.format(what=fetch.what, size=_megabytes(fetch.size), source=fetch.source)


def progress(step: Step) -> str:
    """The step in words, with what has been fetched of it."""
    if step.name == "check":
        return _("Checking that everything works…")
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
