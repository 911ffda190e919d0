"""The page at ``/``, in a real browser where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from cellrig import Rig
from cellrig.cli.served_cloud import served_topology
from cellrig.http.front_door import front_door
from cellrig.http.page import with_page
from cellrig.http.serving import HttpServer
from cellrig.http.sign_in import by_token
from cellrig.identity.accounts import Account, open_account

PASSWORD = "open sesame"  # noqa: S105 - of this test
WIDE, PHONE = (1280, 1400), (390, 844)


class Page:
    """A rig behind a socket, with a little of everything in it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        for user, role in (("admin", "admin"), ("demo", "member")):
            open_account(
                rig.identity, Account(user=user, project=user, password=PASSWORD, role=role)
            )
        check = by_token(rig.identity)
        self._server = HttpServer(with_page(rig, front_door(rig, check), check), "127.0.0.1", 0)
        self.url = self._server.url
        self.stop = self._server.stop

    def fill(self) -> None:
        rig = self.rig
        servers = [rig.servers.create(name=name) for name in ("web", "database", "<b>queue</b>")]
        volume = rig.volumes.create(name="shared", size=2, multiattach=True)
        for server in servers[:2]:
            rig.servers.attach_volume(server, volume)
        rig.servers.migrate(servers[0])
        rig.faults.fail("driver.reboot", times=1)
        rig.servers.reboot(servers[1])


@pytest.fixture
def page() -> Iterator[Page]:
    with Rig(served_topology(), live=True, audit=False) as rig:
        page = Page(rig)
        yield page
        page.stop()


@pytest.fixture
def browser() -> Iterator[Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver (Debian's chromium-driver) are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    started.set_window_size(*WIDE)
    yield started
    started.quit()


def sign_in(browser: Chrome, page: Page, user: str = "admin", password: str = PASSWORD) -> None:
    browser.get(f"{page.url}/")
    wait(browser, lambda: browser.find_element(By.ID, "sign-in").is_displayed())
    for name, value in (("user", user), ("project", user), ("password", password)):
        field = browser.find_element(By.ID, name)
        field.clear()
        field.send_keys(value)
    browser.find_element(By.CSS_SELECTOR, "#sign-in button").click()


def wait(browser: Chrome, condition: Callable[[], Any]) -> Any:
    return WebDriverWait(browser, 60).until(lambda _driver: condition())


def text(browser: Chrome, id_: str) -> str:
    return str(browser.find_element(By.ID, id_).text)


def test_the_page_shows_what_runs_where_and_keeps_up(browser: Chrome, page: Page) -> None:
    page.fill()
    sign_in(browser, page)
    wait(browser, lambda: "web" in text(browser, "cells"))
    cells = text(browser, "cells")
    for told in ("cell1", "cell2", "cell1-host1 up", "cell2-host3 up", "VERIFY_RESIZE", "VCPU"):
        assert told in cells
    assert "<b>queue</b>" in cells  # text, not markup
    assert not browser.find_element(By.ID, "sign-in").is_displayed()
    assert len(browser.find_elements(By.CSS_SELECTOR, ".card")) == 6
    assert len(browser.find_elements(By.CSS_SELECTOR, "meter")) == 6 * 3 + 2
    volumes = text(browser, "volumes")
    assert "shared" in volumes
    assert "database on " in volumes
    assert "finished" in text(browser, "migrations")
    events = text(browser, "events")
    assert "spawn" in events
    assert "InjectedFault" in events
    page.rig.servers.create(name="latecomer")
    wait(browser, lambda: "latecomer" in text(browser, "cells"))
    page.rig.faults.take_down("cell2")
    wait(browser, lambda: "refuses connections" in text(browser, "cells"))
    page.rig.faults.bring_back("cell2")
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_nested_providers_stay_open_while_the_page_refreshes(browser: Chrome, page: Page) -> None:
    sign_in(browser, page)
    wait(browser, lambda: browser.find_elements(By.TAG_NAME, "summary"))[0].click()
    assert "SRIOV_NET_VF" in text(browser, "cells")
    page.rig.servers.create(name="latecomer")
    wait(browser, lambda: "latecomer" in text(browser, "cells"))
    assert "CUSTOM_PHYSNET_PUBLIC" in text(browser, "cells")


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Chrome, page: Page) -> None:
    page.fill()
    browser.set_window_size(*PHONE)
    sign_in(browser, page)
    wait(browser, lambda: "web" in text(browser, "cells"))
    width = browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert width[0] <= width[1]


@pytest.mark.parametrize(
    ("user", "password", "told"),
    [("admin", "wrong", "do not go together"), ("demo", PASSWORD, "is for administrators")],
)
def test_only_administrators_get_in(
    browser: Chrome, page: Page, user: str, password: str, told: str
) -> None:
    sign_in(browser, page, user, password)
    wait(browser, lambda: told in text(browser, "refused"))
    assert not browser.find_element(By.ID, "rig").is_displayed()


def test_the_page_loads_nothing_from_elsewhere_and_its_data_is_for_administrators(
    page: Page,
) -> None:
    for path in ("/", "/page/page.css", "/page/page.js"):
        answer = requests.get(page.url + path, timeout=30)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "http" not in answer.text.replace("http-equiv", "")
    assert requests.get(f"{page.url}/page/overview", timeout=30).status_code == 401
