"""The routes of the page: three files that are as they are, and the data that they show."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from cellrig.http.calls import Answer, Call
from cellrig.http.page.overview import Overview
from cellrig.http.routes import Route

#: Nothing is loaded from elsewhere, and nothing runs that is not in these files.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@cache
def _file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


def show_page(_call: Call[Overview]) -> Answer:
    """Show the page."""
    return Answer(body=_file("page.html"), media_type="text/html; charset=utf-8", headers=_HEADERS)


def show_style(_call: Call[Overview]) -> Answer:
    """Show how the page looks."""
    return Answer(body=_file("page.css"), media_type="text/css; charset=utf-8", headers=_HEADERS)


def show_script(_call: Call[Overview]) -> Answer:
    """Show what the page does."""
    return Answer(
        body=_file("page.js"), media_type="text/javascript; charset=utf-8", headers=_HEADERS
    )


def show_overview(call: Call[Overview]) -> Answer:
    """Show what the page shows: cells, hosts, servers, volumes, migrations, the last events."""
    return Answer(body=call.service.read(), headers={"Cache-Control": "no-store"})


ROUTES: tuple[Route[Overview], ...] = (
    Route("GET", "/", show_page, (200,), policy=None),
    Route("GET", "/page/page.css", show_style, (200,), policy=None),
    Route("GET", "/page/page.js", show_script, (200,), policy=None),
    Route("GET", "/page/overview", show_overview, (200,)),
)
