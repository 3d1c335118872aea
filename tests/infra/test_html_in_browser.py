"""The page in a real browser: nothing fails in it, and its buttons show what they say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from infra.diff.changes import Op, Step
from infra.render.html import render_html
from tests.infra.test_render_html import SUBNET, THERE, cidr, machine, report, update

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,1400",
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no chromium and chromedriver on PATH: the page was not tried in a browser (Debian: chromium-driver)",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in QUIET:
        options.add_argument(argument)
    driver = Chrome(options=options, service=Service(executable_path=DRIVER, env={**os.environ}))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Chrome:
    """A preview that updates the VPC and deletes the subnet."""
    gone = Step(op=Op.DELETE, urn=SUBNET.urn, type=SUBNET.type, name=SUBNET.name, old=SUBNET, new=None)
    changed = update(cidr("10.0.0.0/16", "<b>10.1.0.0/16"))
    shown = report(changed, gone, base=THERE, before=machine(10), after=machine(20))
    file = tmp_path / "preview.html"
    file.write_text(render_html(shown), "utf-8")
    browser.get(file.as_uri())
    return browser


def node(browser: Chrome, name: str) -> WebElement:
    return browser.find_element(By.XPATH, f"//details[contains(@class, 'node')][./summary/span[.='{name}']]")


def test_the_page_opens_without_an_error_and_asks_the_network_for_nothing(opened: Chrome) -> None:
    assert opened.get_log("browser") == []
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_the_page_fits_its_window(opened: Chrome) -> None:
    assert opened.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_changed_resources_are_found_open_and_their_diff_is_text(opened: Chrome) -> None:
    assert "<b>10.1.0.0/16" in node(opened, "vpc").text


def test_a_box_hides_what_it_stands_for(opened: Chrome) -> None:
    assert node(opened, "subnet").is_displayed()
    opened.find_element(By.CSS_SELECTOR, ".controls input[value=delete]").click()
    assert not node(opened, "subnet").is_displayed()
    assert node(opened, "vpc").is_displayed()


def test_searching_leaves_what_matches_below_its_component(opened: Chrome) -> None:
    opened.find_element(By.ID, "close").click()
    opened.find_element(By.ID, "find").send_keys("ec2/vpc")
    assert node(opened, "vpc").is_displayed()
    assert node(opened, "network").is_displayed()
    assert not node(opened, "subnet").is_displayed()


def test_all_can_be_opened_and_closed(opened: Chrome) -> None:
    opened.find_element(By.ID, "open").click()
    assert node(opened, "vpc").get_attribute("open") is not None
    opened.find_element(By.ID, "close").click()
    assert node(opened, "network").get_attribute("open") is None


def test_bars_of_the_chart_are_drawn_in_proportion(opened: Chrome) -> None:
    before, after = opened.find_elements(By.CSS_SELECTOR, ".chart rect")
    assert after.rect["width"] == pytest.approx(2 * before.rect["width"], rel=0.01)
