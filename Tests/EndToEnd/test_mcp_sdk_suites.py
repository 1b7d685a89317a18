"""The official SDK's own tests and examples, and FastMCP's, unmodified, as traffic through the gateway.

Each of its tests starts a server and speaks to it; `peers/sdk_suites.py` puts the gateway in between. What must differ
is listed below, with the reason; everything else must pass. Its tests of what a server's HTTP looks like on the wire
(hosting_http, hosting_session, hosting_resume, auth) are about bytes that the gateway does not copy, and are not run. Of
FastMCP's, those are run in which a client speaks to a server; not those of its authentication, command line, proxies,
middleware and transforms, which are tests of one side.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import sdists
from harness.gateway import Gateway, free_port

POLICIES = '@id("agents-may-do-anything") permit (principal in Group::"agents", action, resource);'
EFFECTS = [{"match": "*", "effect": "read"}]
PEERS = Path(__file__).resolve().parent / "peers"
# How many servers of a kind the tests of one part start at most.
SERVERS = {"legacy": 240, "modern": 330, "sse": 110}


class Suite:
    """A part of one SDK's tests, and how it differs behind a gateway."""

    def __init__(self, sdk, parts, atLeast, differences, conftests, waits=(), select=None, options=()):
        # Each part runs by itself, behind a gateway of its own.
        self.sdk, self.parts, self.atLeast, self.select = sdk, parts, atLeast, select
        self.differences = {name: reason for reason, names in differences.items() for name in names}
        # Of those that differ, the ones that would wait for what never comes.
        self.waits = waits
        # The folder above which no conftest.py is read, and what pytest is told besides.
        self.conftests, self.options = conftests, options


INTERACTION = Suite(
    "mcp",
    [
        ["tests/interaction/lowlevel"],
        [
            "tests/interaction/mcpserver",
            "tests/interaction/transports/test_client_transport_http.py",
            "tests/interaction/transports/test_hosting_http_modern.py",
            "tests/interaction/transports/test_streamable_http.py",
        ],
    ],
    390,
    {
        "a tool that the server does not list cannot be called: nobody has accepted its definition": [
            "test_modern_handler_exception_maps_to_internal_error_without_leaking_the_message",
            "test_call_tool_execution_error_is_returned_as_result",
            "test_call_tool_unknown_tool_is_protocol_error",
            "test_call_tool_uncaught_exception_becomes_error_response",
            "test_call_tool_unknown_name_returns_error_result",
            "test_legacy_client_raises_a_header_mismatch_error_without_re_listing_or_retrying",
        ],
        "a tool that is new or changed waits for a person": [
            "test_adding_and_removing_tools_does_not_notify_connected_clients",
            "test_modern_client_re_lists_and_retries_when_a_listed_tool_gains_a_header_annotation",
            "test_modern_client_stops_mirroring_after_a_re_list_drops_the_tool",
        ],
        "the gateway lists tools for itself, too": [
            "test_modern_client_re_list_follows_cursors_only_as_far_as_the_page_listing_the_tool",
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
        "the gateway asks a server what it is before it passes anything on": [
            "test_modern_client_raises_the_header_mismatch_when_the_re_list_returns_a_malformed_page",
        ],
        "methods of a vendor's own are refused: no policy knows them": [
            "test_modern_handler_raised_mcperror_maps_to_status_via_error_code_table",
            "test_vendor_request_with_name_param_carries_mcp_name_on_the_wire",
        ],
        "one address of the gateway's serves both eras": [
            "test_modern_initialize_is_method_not_found",
            "test_legacy_version_header_falls_through_and_unrecognised_header_routes_to_modern",
        ],
        "the gateway answers server/discover itself": [
            "test_auto_mode_retries_discover_once_on_unsupported_protocol_version",
        ],
        "a server that refuses notifications/initialized has failed the handshake": [
            "test_a_404_mid_session_surfaces_as_a_session_terminated_error",
        ],
        "the gateway refuses the same thing, in its own words": [
            "test_elicit_form_without_callback_is_error",
            "test_list_roots_without_callback_is_error",
            "test_create_message_without_callback_is_error",
            "test_modern_notification_post_is_acknowledged_202_and_a_posted_response_is_rejected",
        ],
        "a page to open is shown to clients that declare elicitation by URL, and theirs declares none": [
            "test_url_elicitation_required_error_carries_pending_elicitations",
        ],
        "of _meta, only what the documentation names reaches the server; a log level that is none is dropped": [
            "test_request_meta_reaches_handler",
            "test_pinned_client_stateless_tools_call_round_trips_against_the_modern_entry",
            "test_a_request_with_an_unrecognized_log_level_is_rejected",
        ],
        "every tool may be called as a task of the gateway's, and says so": [
            "test_initialize_capabilities_reflect_registered_handlers",
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
    conftests="tests/interaction",
)

STORIES = Suite(
    "mcp",
    [["tests/examples/test_stories.py"]],
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
    conftests="tests/examples",
    select="test_story and http-asgi",
)
FASTMCP = Suite(
    "fastmcp",
    [
        [
            "tests/client/client/test_client.py",
            "tests/client/client/test_error_handling.py",
            "tests/client/test_elicitation.py",
            "tests/client/test_logs.py",
            "tests/client/test_notifications.py",
            "tests/client/test_progress.py",
            "tests/client/test_result_hydration.py",
            "tests/client/test_roots.py",
            "tests/client/test_sampling.py",
            "tests/client/test_streamable_http.py",
            "tests/server/test_completions.py",
            "tests/server/test_context.py",
            "tests/server/test_icons.py",
            "tests/server/test_input_validation.py",
            "tests/server/test_pagination.py",
            "tests/server/test_protocol_eras.py",
        ]
    ],
    280,
    {
        "of _meta, only what the documentation names reaches the server": ["test_call_tool_with_meta"],
        "the gateway's client does not pass a client's headers on": ["test_http_headers"],
        "the gateway refuses the same thing, in its own words": ["test_elicitation_with_no_handler"],
        "numbers in arguments and schemas are as RFC 8785 writes them: 5.0 is 5": [
            "test_strict_type_rejects_coercion",
            "test_const_enum_results_preserve_json_value_types",
        ],
        "cursors are the gateway's own, and the test makes up one": [
            "test_tools_constant_cursor_terminates",
            "test_prompts_constant_cursor_terminates",
            "test_resources_constant_cursor_terminates",
            "test_resource_templates_constant_cursor_terminates",
            "test_cycling_cursors_terminates",
            "test_tools_raises_on_auto_pagination_limit",
            "test_resources_raises_on_auto_pagination_limit",
            "test_prompts_raises_on_auto_pagination_limit",
        ],
        "the server is not in memory, which is what the test is about": [
            "test_transport_in_tool_via_client",
            "test_transport_set_manually_is_visible_in_tool",
        ],
        "its 20 ms pass before a gateway and a server have answered": ["test_timeout"],
        "its 300 ms may pass on a busy machine before they have, and then it waits for ever": [
            "test_timed_out_exit_is_not_held_by_another_tasks_connect"
        ],
        "it wants fastmcp_tasks, a package of its own": ["test_client_new_preserves_internal_task_extension"],
    },
    waits=[
        "test_timeout",
        "test_timed_out_exit_is_not_held_by_another_tasks_connect",
        "test_client_new_preserves_internal_task_extension",
    ],
    conftests="tests",
    options=["-o", "anyio_mode=auto"],
)
# The longest first, because they run side by side.
SUITES = {"interaction": INTERACTION, "fastmcp": FASTMCP, "stories": STORIES}


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


def fresh(taken):
    """A port that is free, and no other part's."""
    while (port := free_port()) in taken:
        pass
    taken.add(port)
    return port


class Part:
    """A part of a suite, with a gateway and the ports of the servers to come."""

    def __init__(self, suite, paths, folder, taken):
        self.suite, self.paths, self.folder = suite, paths, folder
        self.home = sdists.fetch(suite.sdk)
        for path in paths:
            assert (self.home / path).exists(), f"{self.home} has no {path}"
        # By kind: (name of the connection, port).
        self.ports = {kind: [(f"{kind}-{each}", fresh(taken)) for each in range(count)] for kind, count in SERVERS.items()}
        self.gateway = Gateway(folder / "gateway", 1, change=self.adjust, policies=POLICIES)

    def adjust(self, configuration):
        configuration["connections"] = [entry(kind, *each) for kind, all in self.ports.items() for each in all]

    def run(self):
        """Runs through the gateway; answers one line for each test, what pytest said, and how long the log is then."""
        self.gateway.start()
        try:
            lines, said = self.tests()
            return lines, said, self.gateway.log_size()
        finally:
            self.gateway.stop()

    def tests(self):
        report, settings = self.folder / "report", self.folder / "settings.json"
        report.touch()
        gateway = {"gateway": f"http://127.0.0.1:{self.gateway.port}", "key": self.gateway.keys["bot"]}
        told = gateway | {"sdk": self.suite.sdk, "report": str(report), "connections": self.ports}
        told["left_out"] = list(self.suite.waits)
        settings.write_text(json.dumps(told))
        places = [self.home, PEERS] + ([self.home / "examples"] if self.suite.sdk == "mcp" else [])
        environment = os.environ | {"SDK_SUITES": str(settings), "PYTHONPATH": os.pathsep.join(map(str, places))}
        command = [sys.executable, "-m", "pytest", "-p", "sdk_suites", "--rootdir", str(self.home), "-c", os.devnull]
        command += ["--confcutdir", str(self.home / self.suite.conftests), "-p", "no:cacheprovider"]
        command += ["--timeout", "30", "-q", "--tb=short", "-W", "ignore", "--inline-snapshot=disable"]
        command += [*self.suite.options, "-k", self.suite.select or "not in-memory", *self.paths]
        options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": 200}
        done = subprocess.run(command, cwd=self.home, env=environment, **options)
        said = done.stdout[-3000:] + done.stderr[-3000:]
        return [json.loads(line) for line in report.read_text().splitlines()], said


@pytest.fixture(scope="module")
def runs(request, scratch):
    """What came of each part of the suites that are to be tested, which run two at a time."""
    wanted = {each.callspec.params["name"] for each in request.session.items if each.path == Path(__file__)}
    parts, taken = [], set()
    for name in SUITES:
        for number, paths in enumerate(SUITES[name].parts if name in wanted else []):
            folder = scratch / f"suites-{name}-{number}"
            folder.mkdir()
            parts.append((name, Part(SUITES[name], paths, folder, taken)))
    with ThreadPoolExecutor(2) as pool:
        started = [(name, pool.submit(part.run)) for name, part in parts]
        yield {name: [run for each, run in started if each == name] for name in wanted}


def name_of(test):
    """What the table calls a test: its function, or the story that it tells."""
    function, _, parameters = test.rpartition("::")[2].partition("[")
    return parameters.split("-")[1] if function == "test_story" else function


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", SUITES)
def test_the_sdks_own_tests_pass_through_the_gateway(runs, name):
    suite, done = SUITES[name], [run.result() for run in runs[name]]
    lines = [line for each in done for line in each[0]]
    through = [line for line in lines if line["requests"]]
    passed = [line for line in through if line["outcome"] == "passed"]
    failed = [line for line in lines if line["outcome"] == "failed" and name_of(line["test"]) not in suite.differences]
    assert not failed, "\n\n".join(f"{line['test']}\n{line['why'][-1500:]}" for line in failed[:10])
    said = "\n".join(each[1] for each in done)
    assert len(passed) >= suite.atLeast, f"{len(passed)} of {len(lines)} tests went through the gateway:\n{said}"
    differing = {name_of(line["test"]) for line in lines if line["outcome"] == "failed"} | set(suite.waits)
    assert set(suite.differences) == differing, "no longer differs: take it off the table"
    # They were agents' calls, which the gateway has judged: it knows their servers' tools.
    assert all(size > 0 for _, _, size in done)
