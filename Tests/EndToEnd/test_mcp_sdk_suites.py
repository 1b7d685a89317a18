"""The official SDK's own tests and examples, unmodified, as traffic through the gateway.

Each of its tests starts a server and speaks to it; `peers/sdk_suites.py` puts the gateway in between. What must differ
is listed below, with the reason; everything else must pass. Its tests of what a server's HTTP looks like on the wire
(hosting_http, hosting_session, hosting_resume, auth) are about bytes that the gateway does not copy, and are not run.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import sdists
from harness.gateway import Gateway, free_port

POLICIES = '@id("agents-may-do-anything") permit (principal in Group::"agents", action, resource);'
EFFECTS = [{"match": "*", "effect": "read"}]
PEERS = Path(__file__).resolve().parent / "peers"
# How many servers of a kind the tests of one suite start at most.
SERVERS = {"legacy": 330, "modern": 230, "sse": 150}


class Suite:
    """A part of one SDK's tests, and how it differs behind a gateway."""

    def __init__(self, sdk, paths, atLeast, differences, waits=(), select=None):
        self.sdk, self.paths, self.atLeast, self.select = sdk, paths, atLeast, select
        self.differences = {name: reason for reason, names in differences.items() for name in names}
        # Of those that differ, the ones that would wait for what never comes.
        self.waits = waits


INTERACTION = Suite(
    "mcp",
    [
        "tests/interaction/lowlevel",
        "tests/interaction/mcpserver",
        "tests/interaction/transports/test_client_transport_http.py",
        "tests/interaction/transports/test_hosting_http_modern.py",
        "tests/interaction/transports/test_streamable_http.py",
    ],
    390,
    {
        "a tool that the server does not list cannot be called: nobody has accepted its definition": [
            "test_call_tool_execution_error_is_returned_as_result",
            "test_call_tool_unknown_tool_is_protocol_error",
            "test_call_tool_uncaught_exception_becomes_error_response",
            "test_call_tool_unknown_name_returns_error_result",
            "test_url_elicitation_required_error_carries_pending_elicitations",
            "test_legacy_client_raises_a_header_mismatch_error_without_re_listing_or_retrying",
        ],
        "a tool that is new or changed waits for a person": [
            "test_adding_and_removing_tools_does_not_notify_connected_clients",
            "test_modern_client_re_lists_and_retries_when_a_listed_tool_gains_a_header_annotation",
            "test_modern_client_re_list_follows_cursors_only_as_far_as_the_page_listing_the_tool",
            "test_modern_client_raises_the_header_mismatch_when_the_re_list_returns_a_malformed_page",
            "test_modern_client_stops_mirroring_after_a_re_list_drops_the_tool",
        ],
        "the gateway lists tools for itself, too": [
            "test_call_tool_populates_the_output_schema_cache_via_an_implicit_tools_list",
            "test_the_client_follows_opaque_cursors_through_pages_of_varying_sizes",
        ],
        "cursors are the gateway's own, sealed for the agent": [
            "test_next_cursor_round_trips_through_the_client",
            "test_resources_list_supports_cursor_pagination",
            "test_prompts_list_supports_cursor_pagination",
        ],
        "the server declares no such capability, so nothing of it is asked for": [
            "test_resource_templates_list_supports_cursor_pagination",
            "test_list_resource_templates_returns_registered_templates",
            "test_concurrent_listen_streams_each_receive_their_own_ack",
            "test_a_graceful_server_close_ends_iteration_after_buffered_events",
            "test_a_stream_dropped_after_the_ack_raises_subscription_lost",
        ],
        "request ids, progress tokens and subscription ids are the gateway's own": [
            "test_progress_token_visible_to_handler",
            "test_the_subscription_id_is_the_listen_request_id_the_server_saw",
            "test_context_exposes_request_id_and_client_info_to_a_tool",
            "test_cancellation_stops_in_flight_handler",
            "test_session_serves_requests_after_cancellation",
            "test_cancelled_request_is_terminated_with_request_cancelled",
        ],
        "the server's client is the gateway, with its own capabilities": [
            "test_initialize_server_sees_client_info",
            "test_every_request_on_a_modern_session_carries_the_three_key_meta_envelope",
            "test_per_request_ad_carries_settings_and_gates_the_claimed_substitution",
            "test_legacy_ad_omits_claim_bearing_identifiers_but_keeps_claim_less_ones",
        ],
        "the gateway says itself what it does not do": [
            "test_elicit_form_without_callback_is_error",
            "test_list_roots_without_callback_is_error",
            "test_create_message_without_callback_is_error",
            "test_initialize_capabilities_reflect_registered_handlers",
            "test_auto_mode_retries_discover_once_on_unsupported_protocol_version",
            "test_modern_notification_post_is_acknowledged_202_and_a_posted_response_is_rejected",
            "test_modern_initialize_is_method_not_found",
            "test_modern_handler_exception_maps_to_internal_error_without_leaking_the_message",
            "test_modern_handler_raised_mcperror_maps_to_status_via_error_code_table",
            "test_legacy_version_header_falls_through_and_unrecognised_header_routes_to_modern",
            "test_a_404_mid_session_surfaces_as_a_session_terminated_error",
            "test_vendor_request_with_name_param_carries_mcp_name_on_the_wire",
        ],
        "of _meta, only what the documentation names reaches the server; a log level that is none is dropped": [
            "test_request_meta_reaches_handler",
            "test_pinned_client_stateless_tools_call_round_trips_against_the_modern_entry",
            "test_a_request_with_an_unrecognized_log_level_is_rejected",
        ],
        "every tool may be called as a task of the gateway's, and says so": [
            "test_list_tools_returns_registered_tools",
            "test_list_tools_optional_fields_round_trip",
        ],
        "a client's progress does not reach the server, nor a server's after its answer the client": [
            "test_client_progress_notification_reaches_server_handler",
            "test_progress_sent_after_the_response_is_not_delivered_to_the_callback",
        ],
        "a server's cancellation of its own question does not reach the client": [
            "test_abandoned_server_request_cancels_the_client_callback",
        ],
    },
    waits=[
        "test_cancelled_request_is_terminated_with_request_cancelled",
        "test_cancellation_stops_in_flight_handler",
        "test_session_serves_requests_after_cancellation",
        "test_client_progress_notification_reaches_server_handler",
        "test_progress_sent_after_the_response_is_not_delivered_to_the_callback",
        "test_abandoned_server_request_cancels_the_client_callback",
    ],
)

STORIES = Suite(
    "mcp",
    ["tests/examples/test_stories.py"],
    56,
    {
        "the gateway authenticates agents, and has the server's credential from its configuration": [
            "bearer_auth",
            "oauth",
            "oauth_client_credentials",
            "identity_assertion",
        ],
        "the gateway speaks one era with a server, whatever the client speaks": ["dual_era", "legacy_routing"],
        "methods of a vendor's own are refused: no policy knows them": ["custom_methods"],
        "extensions are between the gateway and each side": ["apps", "extensions"],
        "a tool that is new waits for a person; what the server does not declare is not asked for": ["subscriptions"],
        "a requestState that was tampered with is refused by the gateway, in its words": ["mrtr"],
    },
    select="test_story and http-asgi",
)
SUITES = {"interaction": INTERACTION, "stories": STORIES}


@pytest.fixture(params=SUITES)
def suite(request):
    return SUITES[request.param]


@pytest.fixture
def home(suite):
    """The SDK's source distribution."""
    folder = sdists.fetch(suite.sdk)
    for path in suite.paths:
        if not (folder / path).exists():
            pytest.skip(f"the source distribution of {suite.sdk} {sdists.version(suite.sdk)} has no {path}")
    return folder


@pytest.fixture
def ports():
    """Ports of servers to come, by kind: (name of the connection, port)."""
    free = set()
    while len(free) < sum(SERVERS.values()):
        free.add(free_port())
    return {kind: [(f"{kind}-{number}", free.pop()) for number in range(count)] for kind, count in SERVERS.items()}


def entry(kind, name, port):
    """A connection whose server a test will start."""
    path = "sse" if kind == "sse" else "mcp"
    told = {
        "legacy": {"protocol": "legacy"},
        "modern": {},
        "sse": {"protocol": "legacy", "transport": "sse"},
    }[kind]
    upstream = f"http://127.0.0.1:{port}/{path}"
    common = {"labels": {"env": "prod"}, "tools": EFFECTS, "reviewers": ["dba"]}
    return {"name": name, "kind": "mcp", "upstream": upstream} | common | told


@pytest.fixture
def gateway(scratch, request, ports):
    def adjust(configuration):
        configuration["connections"] = [entry(kind, *each) for kind, all in ports.items() for each in all]

    name = re.sub(r"\W+", "-", request.node.name)
    gateway = Gateway(scratch / name, 1, change=adjust, policies=POLICIES).start()
    yield gateway
    gateway.stop()


def run(suite, home, gateway, ports, folder):
    """Runs a suite through the gateway; answers one line for each of its tests, and what pytest said."""
    report, settings = folder / "report", folder / "settings.json"
    report.touch()
    settings.write_text(
        json.dumps(
            {
                "gateway": f"http://127.0.0.1:{gateway.port}",
                "key": gateway.keys["bot"],
                "report": str(report),
                "connections": ports,
            }
        )
    )
    places = [home, home / "examples", PEERS]
    environment = os.environ | {"SDK_SUITES": str(settings), "PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [sys.executable, "-m", "pytest", "-p", "sdk_suites", "--rootdir", str(home), "-c", os.devnull]
    # The SDK's conftest of all its tests wants more packages than these tests do.
    command += ["--confcutdir", str(home / suite.paths[0]).rsplit("/", 1)[0], "-p", "no:cacheprovider"]
    command += ["--timeout", "20", "-q", "--tb=short", "-W", "ignore", "--inline-snapshot=disable"]
    wanted = [suite.select or "not in-memory", *(f"not {name}" for name in suite.waits)]
    command += ["-k", " and ".join(wanted), *suite.paths]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=200)
    return [json.loads(line) for line in report.read_text().splitlines()], done.stdout[-3000:] + done.stderr[-3000:]


def name_of(test):
    """What the table calls a test: its function, or the story that it tells."""
    function, _, parameters = test.rpartition("::")[2].partition("[")
    return parameters.split("-")[1] if function == "test_story" else function


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_sdks_own_tests_pass_through_the_gateway(suite, home, gateway, ports, tmp_path):
    lines, said = run(suite, home, gateway, ports, tmp_path)
    through = [line for line in lines if line["requests"]]
    passed = [line for line in through if line["outcome"] == "passed"]
    failed = [line for line in lines if line["outcome"] == "failed" and name_of(line["test"]) not in suite.differences]
    assert not failed, "\n\n".join(f"{line['test']}\n{line['why'][-1500:]}" for line in failed[:10])
    assert len(passed) >= suite.atLeast, f"{len(passed)} of {len(lines)} tests went through the gateway:\n{said}"
    differing = {name_of(line["test"]) for line in lines if line["outcome"] == "failed"} | set(suite.waits)
    assert set(suite.differences) == differing, "no longer differs: take it off the table"
    # They were agents' calls, which the gateway has judged: it knows their servers' tools.
    assert gateway.log_size() > 0
