"""Fixtures of the end-to-end tests: see harness/."""

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from harness.gateway import BINARY, POLICIES, Gateway
from harness.upstream import Upstream
from judges import golang

NUMBERS = itertools.count(1)


def pytest_sessionstart(session):
    if not BINARY.exists() and not session.config.option.collectonly:
        pytest.exit(f"{BINARY} does not exist: build it, or name it with COUNTERSIGN_BINARY", returncode=2)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory):
    """Where installations live; removed at the end, because some of them are large."""
    folder = tmp_path_factory.mktemp("countersign")
    yield folder
    if not os.environ.get("COUNTERSIGN_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def upstream():
    """The upstream of the shared gateway."""
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def shared_gateway(scratch, upstream):
    gateway = Gateway(scratch / "shared", upstream.port)
    gateway.start()
    yield gateway
    gateway.stop()
    # Whatever the tests did to it, its tables follow from its entries.
    gateway.cli("log", "fsck", timeout=300)


@pytest.fixture
def gateway(shared_gateway):
    """The gateway that most tests share; still alive after each of them."""
    yield shared_gateway
    assert shared_gateway.process.poll() is None, f"the gateway died:\n{shared_gateway.log_text()[-3000:]}"


@pytest.fixture
def own_upstream():
    """An upstream for one test."""
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture
def install(scratch, own_upstream):
    """Makes installations for one test; killed at its end."""
    made = []

    def make(upstream=None, **options):
        upstream = upstream or own_upstream
        gateway = Gateway(scratch / f"gateway-{next(NUMBERS)}", upstream.port, **options)
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        gateway.kill()


@pytest.fixture
def own_gateway(install):
    """A running gateway for one test, which may kill it."""
    return install().start()


@pytest.fixture
def path(request):
    """A path segment that no other test uses, so that no action is identical to another test's."""
    return f"{next(NUMBERS)}-{request.node.originalname or request.node.name}"[:60].replace("_", "-")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 12 MB."""
    if os.geteuid() != 0:
        pytest.skip("a small disk is a mount, which needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"this machine does not let us mount: {done.stderr.decode()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture(scope="session")
def go(tmp_path_factory):
    """Go's x/mod packages as a judge: Tests/Interop."""
    if not golang.is_here():
        pytest.skip("golang-go and golang-golang-x-mod-dev are not here: script/setup --test installs them")
    return golang.LogVerify(tmp_path_factory.mktemp("logverify"))


@pytest.fixture(scope="session")
def screenshots():
    """Where screenshots go."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("COUNTERSIGN_SCREENSHOTS") or root / ".build" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Vouches for receivers; the gateway gets its certificate as a file."""
    authority = trustme.CA()
    authority.file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(authority.file))
    return authority


@pytest.fixture
def slack():
    """A workspace of Slack for one test; whatever Slack's own models object to fails the test."""
    from harness.slack import Slack

    slack = Slack()
    yield slack
    slack.stop()
    assert slack.problems == []


@pytest.fixture
def in_slack(install, slack):
    """Starts gateways whose questions go to the workspace."""
    from harness.slack import ENVIRONMENT, with_slack

    def make(policies=POLICIES, **options):
        gateway = install(change=with_slack(slack, **options), policies=policies)
        gateway.environment.update(ENVIRONMENT)
        return gateway.start()

    return make
