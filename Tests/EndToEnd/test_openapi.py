"""The OpenAPI document is true: the running server is fuzzed against it with each kind of credential."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.gateway import Gateway
from harness.upstream import Upstream

CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
SCHEMATHESIS = Path(sys.executable).with_name("st")


@pytest.fixture(scope="module")
def fuzzed(scratch):
    """A gateway of its own, with some life in it."""
    upstream = Upstream()
    served = lambda configuration: configuration.update(api={"access_requests": "draft-1"})  # noqa: E731
    gateway = Gateway(scratch / "fuzzed", upstream.port, served).start()
    for number in range(3):
        gateway.exchange("DELETE", f"/api/fuzz/{number}", ("Prefer", "wait=0"))
    gateway.approve(gateway.pending("/fuzz/0"))
    gateway.exchange("DELETE", "/api/fuzz/0")
    gateway.decide(gateway.pending("/fuzz/1"), "deny")
    yield gateway
    gateway.stop()
    upstream.stop()


def test_the_document_is_openapi_3_1_and_names_every_call(gateway):
    answer = gateway.anyone().get("/openapi.json")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    document = answer.json()
    assert document["openapi"].startswith("3.1.")
    for call in (
        "post /v1/actions",
        "get /v1/approvals",
        "get /v1/approvals/{id}",
        "post /v1/approvals/{id}/decisions",
        "post /v1/approvals/{id}/withdraw",
        "post /v1/approvals/{id}/comments",
        "post /v1/approvals/{id}/revoke",
        "post /v1/approvals/{id}/redeem",
        "post /v1/approvals/{id}/outcome",
        "get /v1/approvals/{id}/response",
        "get /v1/approvals/{id}/receipt",
        "get /v1/entries",
        "get /v1/events",
        "post /access/v1/evaluation",
        "post /access/v1/evaluations",
        "get /.well-known/authzen-configuration",
        "get /log/checkpoint",
        "get /healthz",
        "get /readyz",
        "get /metrics",
    ):
        method, path = call.split(" ")
        assert method in document["paths"].get(path, {}), call
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}:
        assert reference in document["components"]["schemas"], reference


def credential(gateway, who):
    match who:
        case "agent":
            return gateway.keys["bot"]
        case "user":
            return gateway.token("alice@example.com")
        case "administrator":
            return gateway.cli("user", "token", "alice@example.com", "--ttl", "1h", "--admin").stdout.strip()
        case _:
            return None


@pytest.mark.timeout(240)
@pytest.mark.parametrize("who", ["agent", "user", "administrator", "nobody"])
def test_fuzzing_finds_no_failure_and_no_undocumented_answer(fuzzed, who, tmp_path):
    command = [
        str(SCHEMATHESIS),
        "run",
        f"http://127.0.0.1:{fuzzed.control}/openapi.json",
        "--checks",
        CHECKS,
        "--max-examples",
        os.environ.get("COUNTERSIGN_FUZZ_EXAMPLES", "10"),
        "--phases",
        "examples,coverage" if who == "nobody" else "examples,coverage,fuzzing",
        "--seed",
        "20261121",
        # A long poll lasts up to 60 s.
        "--request-timeout",
        "90",
        "--no-shrink",
        "--continue-on-failure",
        "--exclude-path",
        "/v1/events",
        "--exclude-method",
        "TRACE",
        "--suppress-health-check",
        "all",
        "--no-color",
    ]
    if secret := credential(fuzzed, who):
        command += ["--header", f"Authorization: Bearer {secret}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=230)
    report = done.stdout[-6000:] + done.stderr[-2000:]
    assert done.returncode == 0, report
    assert fuzzed.is_ready()
    fuzzed.verify_log()
