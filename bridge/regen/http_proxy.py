"""A request through the proxy that the environment or the system names, by `requests`, which knows all their kinds."""

from __future__ import annotations

import contextlib
import logging
import ssl
import urllib.request
from collections.abc import Iterator
from typing import Any

from bridge.regen.certificates import trusting
from bridge.regen.http_connection import BLOCK, Post, Received, Response, reach

# It quotes header lines that it cannot parse, and the service may have echoed the key in them.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


def proxy_for(url: str) -> str | None:
    """The proxy through which the environment or the system wants a URL to be asked for."""
    if not urllib.request.getproxies():
        return None
    import requests  # slow to load, and few have a proxy

    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url, no_proxy=None))


@contextlib.contextmanager
def sent_through(proxy: str, post: Post) -> Iterator[Received]:
    """Like `http_connection.sent_directly`; what `requests` raises becomes the standard library's errors.

    Args:
        proxy: its URL, or its host and port.
        post: what to send.
    """
    import requests
    import urllib3

    if post.trust is not True:
        trusting(post.trust)  # of a file without certificates `requests` says nothing that can be told
    adapter = _watched(post)
    # No Session: it would follow redirects, keep cookies and read netrc.
    request = requests.Request("POST", post.url, headers=dict(post.headers), data=post.body).prepare()
    try:
        response = adapter.send(
            request,
            stream=True,
            timeout=(post.connect_timeout, None),  # the first one is for SOCKS; see `Post.begun`
            verify=post.trust,
            proxies={"https": proxy, "http": proxy},
        )
        with response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield Received(response.status_code, headers, _pieces(response.raw))
    except requests.exceptions.SSLError as error:
        raise ssl.SSLError(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise OSError(str(error)) from error
    finally:
        adapter.close()


def _pieces(raw: Any) -> Iterator[bytes]:
    while block := raw.read1(BLOCK, decode_content=False):
        yield block


def _watched(post: Post) -> Any:
    """An adapter of `requests` that connects as we do, and tells when the connection stands."""
    import urllib3
    from requests.adapters import HTTPAdapter

    class Watched(HTTPAdapter):
        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            """As in `requests`, which has made this method to be overridden."""
            pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
            plain = pool.ConnectionCls

            def new(connection: Any) -> Any:
                if plain._new_conn is not urllib3.connection.HTTPConnection._new_conn:  # SOCKS does more than connect
                    reached = plain._new_conn(connection)
                    post.begun(reached)
                    reached.settimeout(None)
                    return reached
                reached = reach(connection.host.strip("[]"), connection.port, post)
                for option in connection.socket_options or ():
                    reached.setsockopt(*option)
                return reached

            def connect(connection: Any) -> None:
                plain.connect(connection)
                post.opened(connection.sock)

            changed = {"connect": connect, "_new_conn": new, "response_class": Response}
            pool.ConnectionCls = type(plain.__name__, (plain,), changed)
            return pool

    return Watched(pool_connections=1, pool_maxsize=1)
