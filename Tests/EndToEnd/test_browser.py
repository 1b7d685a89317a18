"""The dashboard in a real browser: Debian's chromium, by keyboard, on a phone, in the dark; a picture of every page."""

import os
import shutil

import pytest

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

from harness import waiting  # noqa: E402
from harness.gateway import Gateway, free_port  # noqa: E402
from harness.hook_receiver import SECRET, HookReceiver  # noqa: E402
from harness.upstream import Upstream  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = os.environ.get("COUNTERSIGN_CHROMEDRIVER") or shutil.which("chromedriver")
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
    pytest.mark.skipif(not DRIVER, reason="chromedriver is not installed (Debian's chromium-driver)"),
]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def eventually(condition, timeout=10, what=None):
    """Waits, while pages come and go under the condition's feet."""
    return waiting.eventually(condition, timeout, what, ignoring=(WebDriverException,))


@pytest.fixture(scope="module")
def house(scratch):
    """A gateway of its own, so that the pictures show what a small team would see."""
    upstream = Upstream()
    gateway = Gateway(scratch / "browser", upstream.port).start()
    gateway.upstream = upstream
    yield gateway
    gateway.stop()
    upstream.stop()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
        "--force-device-scale-factor=1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture
def page(chromium, house):
    """The browser as a desktop with nobody signed in; at the end, no page may have broken its own policy."""
    show_as(chromium, "desktop")
    chromium.get(f"http://127.0.0.1:{house.control}/sign-in")
    chromium.delete_all_cookies()
    chromium.get_log("browser")
    yield chromium
    severe = [line for line in chromium.get_log("browser") if line["level"] == "SEVERE"]
    severe = [line for line in severe if "favicon" not in line["message"] and "status of 40" not in line["message"]]
    assert not severe, severe


def show_as(chromium, size, scheme="light"):
    width, height = SIZES[size]
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 2 if size == "phone" else 1, "mobile": size == "phone"},
    )
    chromium.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )


def sign_in(chromium, gateway, user="bob"):
    chromium.get(gateway.sign_in_link(f"{user}@example.com"))
    chromium.find_element(By.CSS_SELECTOR, "form[action='/sign-in'] button").click()
    eventually(lambda: chromium.find_element(By.TAG_NAME, "h1").text == "Inbox", what="the inbox")


def visit(chromium, gateway, path):
    chromium.get(f"http://127.0.0.1:{gateway.control}{path}")


def held(gateway, path, *headers, method="DELETE", body=None, agent="bot"):
    answer = gateway.exchange(method, f"/api{path}", ("Prefer", "wait=0"), *headers, body=body, agent=agent)
    assert answer.status == 202, answer.body
    return gateway.approval(answer.header("location").rsplit("/", 1)[1])


def text(chromium):
    return chromium.find_element(By.TAG_NAME, "main").text


def press(chromium, *keys):
    for key in keys:
        chromium.switch_to.active_element.send_keys(key)


def focused(chromium):
    return chromium.switch_to.active_element


def tab_to(chromium, match, limit=60):
    """Presses Tab until the focus is where `match` says; the focus must be visible on the way."""
    for _ in range(limit):
        press(chromium, Keys.TAB)
        element = focused(chromium)
        if match(element):
            outline = element.value_of_css_property("outline-style"), element.value_of_css_property("box-shadow")
            assert outline[0] != "none" or outline[1] != "none", "the focus cannot be seen"
            return element
    raise AssertionError("the keyboard does not lead there")


def test_a_one_time_link_signs_in_once(page, house):
    link = house.sign_in_link("bob@example.com")
    page.get(link)
    assert "Sign in" in page.title
    page.find_element(By.CSS_SELECTOR, "form[action='/sign-in'] button").click()
    eventually(lambda: page.find_element(By.TAG_NAME, "h1").text == "Inbox")
    assert "bob@example.com" in page.find_element(By.CSS_SELECTOR, "header").text
    page.delete_all_cookies()
    page.get(link)
    page.find_element(By.CSS_SELECTOR, "form[action='/sign-in'] button").click()
    eventually(lambda: "does not work" in text(page))


def test_the_inbox_is_live(page, house, path):
    sign_in(page, house)
    assert f"DELETE /{path}" not in text(page)
    page.execute_script("window.isSameDocument = true")
    approval = held(house, f"/{path}")
    eventually(lambda: f"DELETE /{path}" in text(page), 10, "the new approval in the inbox")
    eventually(lambda: page.title.startswith("("), what="the count in the title")
    house.decide(approval, "deny", user="alice")
    # It leaves what waits, and moves to what was settled lately.
    gone = lambda: not page.find_elements(By.CSS_SELECTOR, f"ul.cards a[href='/approvals/{approval['id']}']")
    eventually(gone, 10, "the settled approval gone from what waits")
    assert page.execute_script("return window.isSameDocument") is True


# Stands in for the browser's own: it opens the stream only when the test says so.
LATE_EVENTS = """
const Real = window.EventSource;
window.EventSource = class extends EventTarget {
  constructor(url) {
    super();
    window.openEvents = () => {
      const real = new Real(url);
      real.addEventListener("approval", (e) => this.dispatchEvent(new MessageEvent("approval", {data: e.data})));
      real.onopen = (e) => this.onopen?.(e);
      real.onerror = (e) => this.onerror?.(e);
    };
  }
};
"""


def test_what_happened_while_the_page_was_loading_is_not_missed(page, house, path):
    approval = held(house, f"/{path}")
    sign_in(page, house)
    script = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LATE_EVENTS})["identifier"]
    try:
        visit(page, house, f"/approvals/{approval['id']}")
        eventually(lambda: page.execute_script("return !!window.openEvents"))
        house.decide(approval, "deny", user="alice")
        page.execute_script("window.openEvents()")
        eventually(lambda: "denied" in page.find_element(By.ID, "status").text.lower(), 8)
    finally:
        page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})


def test_an_approval_by_keyboard_alone(page, house, path):
    ask = house.ask("DELETE", f"/api/{path}")
    approval = house.pending(f"/{path}")
    sign_in(page, house)
    link = f"/approvals/{approval['id']}"
    tab_to(page, lambda element: (element.get_attribute("href") or "").endswith(link))
    press(page, Keys.ENTER)
    eventually(lambda: page.current_url.endswith(link))
    eventually(lambda: page.find_elements(By.ID, "reason"))
    tab_to(page, lambda element: element.get_attribute("id") == "reason")
    press(page, "typed by keyboard")
    tab_to(page, lambda element: element.get_attribute("value") == "approve")
    press(page, Keys.ENTER)
    eventually(lambda: "Approved" in text(page))
    assert ask.answer().status == 200 and house.upstream.count(f"/{path}") == 1
    decision = house.approval(approval["id"])["decisions"][0]
    assert (decision["user"], decision["reason"]) == ("bob@example.com", "typed by keyboard")
    # The page follows the action to its end.
    eventually(lambda: "succeeded" in page.find_element(By.ID, "status").text.lower(), 10)


def test_the_skip_link_leads_to_the_content(page, house):
    sign_in(page, house)
    visit(page, house, "/")
    tab_to(page, lambda element: element.get_attribute("class") == "skip", 3)
    press(page, Keys.ENTER)
    assert focused(page).get_attribute("id") == "main"


def test_a_denial_needs_a_reason(page, house, path):
    approval = held(house, f"/{path}")
    sign_in(page, house)
    visit(page, house, f"/approvals/{approval['id']}")
    page.find_element(By.CSS_SELECTOR, "button[value=deny]").click()
    assert page.execute_script("return document.getElementById('reason').validity.valueMissing") is True
    assert house.approval(approval["id"])["status"] == "pending"
    page.find_element(By.ID, "reason").send_keys("not this one")
    page.find_element(By.CSS_SELECTOR, "button[value=deny]").click()
    eventually(lambda: "Denied" in text(page))
    assert house.approval(approval["id"])["decisions"][0]["reason"] == "not this one"


def test_the_approvals_page_follows_what_others_do_and_keeps_what_was_typed(page, house, path):
    approval = held(house, f"/two-dbas/{path}", method="POST")
    sign_in(page, house)
    visit(page, house, f"/approvals/{approval['id']}")
    page.find_element(By.ID, "reason").send_keys("half a sentence")
    house.approve(approval, "alice")
    eventually(lambda: "alice@example.com" in page.find_element(By.CSS_SELECTOR, "#gates .decisions").text, 10)
    assert page.find_element(By.ID, "reason").get_attribute("value") == "half a sentence"
    house.decide(approval, "deny", user="dave")
    eventually(lambda: not page.find_elements(By.ID, "reason"), 10, "the form gone")


def test_an_open_page_shows_what_the_agent_adds_and_keeps_what_was_typed(page, house, path):
    approval = held(house, f"/{path}", ("Countersign-Justification", "the first words"))
    sign_in(page, house)
    visit(page, house, f"/approvals/{approval['id']}")
    page.find_element(By.ID, "reason").send_keys("half a sentence")
    words = "<img src=x onerror=\"document.title='owned'\"> \u202eon\u202c\u200b"
    answer = house.agent().post(f"/v1/approvals/{approval['id']}/comments", json={"text": words})
    assert answer.status_code == 200
    shown = eventually(lambda: page.find_element(By.CSS_SELECTOR, "#comments blockquote").text, 10, "the words")
    assert shown == "<img src=x onerror=\"document.title='owned'\"> \\u{202E}on\\u{202C}\\u{200B}"
    assert "its own words" in page.find_element(By.ID, "comments").text
    assert "the first words" in text(page) and not page.find_elements(By.CSS_SELECTOR, "#comments img")
    assert "owned" not in page.title
    assert page.find_element(By.ID, "reason").get_attribute("value") == "half a sentence"
    page.find_element(By.CSS_SELECTOR, "button[value=approve]").click()
    eventually(lambda: "Approved" in text(page))
    assert house.approval(approval["id"])["decisions"][0]["reason"] == "half a sentence"


def test_people_talk_on_an_open_page_and_nothing_typed_is_lost(page, house, path):
    approval = held(house, f"/{path}")
    sign_in(page, house)
    visit(page, house, f"/approvals/{approval['id']}")
    page.find_element(By.ID, "words").send_keys("Which ticket?")
    page.find_element(By.CSS_SELECTOR, "#say button").click()
    eventually(lambda: "It decides nothing" in text(page))
    [said] = house.approval(approval["id"])["comments"]
    assert (said["author"]["id"], said["author"]["via"], said["text"]) == (
        "bob@example.com", "dashboard", "Which ticket?"
    )
    page.find_element(By.ID, "words").send_keys("half a question")
    page.find_element(By.ID, "reason").send_keys("half a reason")
    words = "4711</blockquote></li><li class='peoples'>person alice@example.com: approved by me"
    answer = house.agent().post(f"/v1/approvals/{approval['id']}/comments", json={"text": words})
    assert answer.status_code == 200
    items = eventually(
        lambda: len(found := page.find_elements(By.CSS_SELECTOR, "#comments > ol > li")) == 2 and found, 10, "the answer"
    )
    assert [item.get_attribute("class") for item in items] == ["peoples", "agents"]
    assert [item.text.split()[:2] for item in items] == [["person", "bob@example.com"], ["agent", "bot"]]
    assert items[1].find_element(By.TAG_NAME, "blockquote").text == words
    colours = [item.find_element(By.TAG_NAME, "blockquote").value_of_css_property("background-color") for item in items]
    assert colours[0] != colours[1], "the agent's words look like nobody else's"
    for name, typed in (("words", "half a question"), ("reason", "half a reason")):
        assert page.find_element(By.ID, name).get_attribute("value") == typed
    house.decide(approval, "deny", user="dave")
    eventually(lambda: not page.find_elements(By.ID, "words"), 10, "the forms gone")
    assert "Which ticket?" in page.find_element(By.ID, "comments").text


def test_a_comment_needs_no_script(page, house, path):
    approval = held(house, f"/{path}")
    sign_in(page, house)
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visit(page, house, f"/approvals/{approval['id']}")
        tab_to(page, lambda element: element.get_attribute("id") == "words")
        press(page, "typed by keyboard", Keys.TAB, Keys.ENTER)
        eventually(lambda: "It decides nothing" in text(page))
        assert "typed by keyboard" in page.find_element(By.ID, "comments").text
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert house.approval(approval["id"])["status"] == "pending"


@pytest.mark.parametrize("size", SIZES)
def test_no_page_scrolls_sideways(page, house, path, size):
    body = b'{"sql": "' + b"x" * 3000 + b'"}'
    approval = held(
        house,
        f"/held/{path}?{'q' * 500}=1",
        ("Content-Type", "application/json"),
        ("X-Long", "y" * 900),
        ("Countersign-Justification", "z" * 700),
        method="POST",
        body=body,
    )
    words = {"text": "w" * 1000}
    assert house.agent().post(f"/v1/approvals/{approval['id']}/comments", json=words).status_code == 200
    show_as(page, size)
    sign_in(page, house)
    batch = f"/approvals/batch?like={approval['id']}"
    for place in (
        "/",
        f"/approvals/{approval['id']}",
        batch,
        "/activity",
        "/agents",
        "/tools",
        "/channels",
        "/log",
        "/activity/0",
    ):
        visit(page, house, place)
        wide = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{place} is {wide} px too wide on a {size}"


def test_what_is_touched_on_a_phone_is_large_enough(page, house, path):
    approval = held(house, f"/{path}")
    show_as(page, "phone")
    sign_in(page, house)
    visit(page, house, f"/approvals/{approval['id']}")
    for selector in ("button[value=approve]", "button[value=deny]", "nav[aria-label=Rooms] a"):
        for element in page.find_elements(By.CSS_SELECTOR, selector):
            assert element.rect["height"] >= 40 or selector.startswith("nav") and element.rect["height"] >= 24, selector
    page.find_element(By.CSS_SELECTOR, "button[value=approve]").click()
    eventually(lambda: "Approved" in text(page))


def test_every_control_has_a_name(page, house, path):
    approval = held(house, f"/{path}")
    sign_in(page, house)
    batch = f"/approvals/batch?like={approval['id']}"
    for place in ("/", f"/approvals/{approval['id']}", batch, "/activity", "/agents", "/tools", "/channels", "/log"):
        visit(page, house, place)
        nameless = page.execute_script("""
            return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")]
              .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.title || e.querySelector?.("[alt]")))
              .map((e) => e.outerHTML)""")
        assert nameless == [], place
        assert len(page.find_elements(By.TAG_NAME, "h1")) == 1 and page.title


@pytest.fixture(scope="module")
def gallery(scratch):
    """Another gateway, so that no other test's actions are in the pictures."""
    upstream, receiver = Upstream(), HookReceiver()
    receiver.script = [204, 302]

    def change(configuration):
        away = receiver.channel("pager") | {"url": f"http://127.0.0.1:{free_port()}/"}
        configuration["channels"] = [receiver.channel("ticket-desk"), away]
        configuration["notices"] = {"replayers": ["dba"]}

    gateway = Gateway(scratch / "gallery", upstream.port, change)
    gateway.environment["HOOK_SECRET"] = SECRET
    gateway.start()
    yield gateway
    gateway.stop()
    receiver.stop()
    upstream.stop()


@pytest.fixture(scope="module")
def lived_in(gallery):
    """Actions in every state, for the pictures."""
    house = gallery
    body = b'{"customer": "Ada Winter", "items": [{"sku": "A-1", "count": 2}], "refund": true}'
    house.exchange("GET", "/api/v1/orders")
    house.exchange("POST", "/api/forbidden/orders")
    done = house.ask("DELETE", "/api/v1/orders/1001", ("Countersign-Justification", "Duplicate of 1002."))
    approval = house.pending("/v1/orders/1001")
    house.approve(approval)
    assert done.answer().status == 200
    denied = held(house, "/v1/orders/1003")
    house.decide(denied, "deny", reason="This order has shipped.")
    waiting = held(
        house,
        "/both-groups/refunds",
        ("Content-Type", "application/json"),
        ("Countersign-On-Behalf-Of", "erin@example.com"),
        ("Countersign-Justification", "The customer asked for her money back in ticket 4711."),
        method="POST",
        body=body,
    )
    house.approve(waiting, "alice")
    own = held(house, "/v1/orders/1002", ("Countersign-On-Behalf-Of", "bob@example.com"))
    approved = held(house, "/v1/exports?table=customers", method="POST")
    house.approve(approved, "alice")
    for number, words in ((4001, "Test account."), (4002, "Test account."), (4003, "Duplicate of 4001.")):
        alike = held(house, f"/v1/customers/{number}", ("Countersign-Justification", words))
    return {
        "inbox": "/",
        "batch": f"/approvals/batch?like={alike['id']}",
        "channels": "/channels",
        "approval-pending": f"/approvals/{waiting['id']}",
        "approval-own": f"/approvals/{own['id']}",
        "approval-approved": f"/approvals/{approved['id']}",
        "approval-denied": f"/approvals/{denied['id']}",
        "approval-succeeded": f"/approvals/{approval['id']}",
        "activity": "/activity",
        "activity-nothing": "/activity?q=nothing-like-this",
        "entry": f"/activity/{house.log_size() - 1}",
        "agents": "/agents",
        "tools": "/tools",
        "log": "/log",
        "not-found": "/approvals/apr_" + "0" * 26,
    }


@pytest.mark.parametrize(
    "size, scheme", [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_pictures_of_every_page(page, gallery, lived_in, screenshots, size, scheme):
    def picture(name):
        page.execute_script("return document.fonts.ready")
        width, least = SIZES[size]
        height = page.execute_script("return document.documentElement.scrollHeight")
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": max(least, min(height, 6000)),
                "deviceScaleFactor": 1,
                "mobile": size == "phone",
            },
        )
        file = screenshots / f"{name}-{size}-{scheme}.png"
        assert page.save_screenshot(str(file)) and file.stat().st_size > 5000
        show_as(page, size, scheme)

    show_as(page, size, scheme)
    page.get(gallery.sign_in_link("dave@example.com"))
    picture("sign-in")
    visit(page, gallery, "/sign-in")
    picture("sign-in-without-link")
    sign_in(page, gallery, "bob")
    for name, place in lived_in.items():
        visit(page, gallery, place)
        picture(name)
    visit(page, gallery, lived_in["approval-pending"])
    page.find_element(By.TAG_NAME, "summary").click()
    picture("approval-details")


def test_the_page_works_without_its_script(page, house, path):
    approval = held(house, f"/{path}")
    sign_in(page, house)
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visit(page, house, f"/approvals/{approval['id']}")
        page.find_element(By.CSS_SELECTOR, "button[value=approve]").click()
        eventually(lambda: "result=approved" in page.current_url)
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert house.approval(approval["id"])["status"] == "approved"


def test_several_are_decided_by_ticking_without_a_script(page, house, path):
    approvals = [held(house, f"/{path}/{number}") for number in range(3)]
    show_as(page, "phone")
    sign_in(page, house)
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visit(page, house, f"/approvals/batch?like={approvals[0]['id']}")
        boxes = page.find_elements(By.CSS_SELECTOR, "input[type=checkbox][name=item]")
        assert len(boxes) == 3 and not any(box.is_selected() for box in boxes)
        page.find_element(By.LINK_TEXT, "Tick all that are shown whole").click()
        ticked = lambda: page.find_elements(By.CSS_SELECTOR, "input[type=checkbox][name=item]:checked")
        eventually(lambda: len(ticked()) == 3, what="all of them ticked")
        ticked()[0].click()
        page.find_element(By.CSS_SELECTOR, "button[value=approve]").click()
        eventually(lambda: "2 decisions count." in text(page))
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert sorted(house.approval(each["id"])["status"] for each in approvals) == ["approved", "approved", "pending"]
