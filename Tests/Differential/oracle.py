"""The official engine, asked through cedarpy, in the words of our batch protocol."""

import json
import re

import cedarpy

ERRED = re.compile(r"while evaluating policy `(.*?)`: (.*)", re.S)


def answer(line):
    """What our engine must answer to a request whose parts stand in the line itself."""
    right = {
        "refused": None,
        "decision": "deny",
        "reasons": [],
        "erred": [],
        "passed": None,
        "why": None,
        "messages": [],
    }
    schema = None
    if line.get("schema") is not None:
        try:
            schema = read_schema(line["schema"])
        except ValueError as error:
            return refused(right, "schema", error)
    try:
        policies = read_policies(line)
    except (ValueError, KeyError) as error:
        return refused(right, "policies", error)
    if schema is not None:
        right["passed"] = validates(line, schema)
    try:
        store = line.get("entities", [])
        store = store if isinstance(store, str) else json.dumps(store)
        entities = cedarpy.Entities.from_json_str(store, schema)
    except ValueError as error:
        return refused(right, "entities", error)
    request = {name: line[name] for name in ("principal", "action", "resource") if name in line}
    context = line.get("context")
    request["context"] = context if context is None or isinstance(context, str) else json.dumps(context)
    result = cedarpy.is_authorized_batch([request], policies, entities, schema)[0]
    errors = result.diagnostics.errors
    if result.decision == cedarpy.Decision.NoDecision:
        return refused(right, "request", errors)
    right["decision"] = result.decision.name.lower()
    right["reasons"] = sorted(result.diagnostics.reasons)
    for error in errors:
        match = ERRED.search(error)
        right["erred"].append(match[1] if match else error)
        right["messages"].append(match[2] if match else error)
    right["erred"].sort()
    return right


def refused(right, part, why):
    return {**right, "refused": part, "why": str(why)}


def read_schema(schema):
    if not isinstance(schema, str):
        return cedarpy.Schema.from_json_str(json.dumps(schema))
    if schema.lstrip().startswith("{"):
        return cedarpy.Schema.from_json_str(schema)
    return cedarpy.Schema.from_str(schema)


def read_policies(line):
    policies = line["policies"]
    if not isinstance(policies, str):
        policies = cedarpy.PolicySet.from_json_str(json.dumps(policies))
    elif policies.lstrip().startswith("{"):
        policies = cedarpy.PolicySet.from_json_str(policies)
    else:
        policies = cedarpy.PolicySet.from_str(policies)
    if line.get("links"):
        policies = policies.with_linked_batch(line["links"])
    return policies


def validates(line, schema):
    """Whether the policies pass strict validation; None where the official engine cannot be asked.

    cedarpy validates text only, so policies in JSON are written as text first, and links are left out.
    """
    policies = line["policies"]
    if line.get("links") or line.get("validation_mode") == "permissive":
        return None
    if not isinstance(policies, str):
        policies = json.dumps(policies)
    if policies.lstrip().startswith("{"):
        try:
            policies = cedarpy.policies_from_json_str(policies)
        except ValueError:
            return None
    return cedarpy.validate_policies(policies, schema).validation_passed
