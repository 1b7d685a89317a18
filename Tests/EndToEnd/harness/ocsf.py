"""Checks events against the Open Cybersecurity Schema Framework.

Classes, objects, the dictionary and its types come from the schema files that the PyPI package `pydantic-ocsf` carries;
nobody here wrote them. They lack the contents of profiles, so those of `security_control` stand here, from
profiles/security_control.json of github.com/ocsf/ocsf-schema, release 1.6.0.
"""

import functools
import importlib.resources
import json
import re

# Attribute names; types and captions are the dictionary's.
SECURITY_CONTROL = {
    "action": "optional", "action_id": "recommended", "attacks": "optional", "authorizations": "optional",
    "confidence": "optional", "confidence_id": "recommended", "confidence_score": "optional",
    "disposition": "optional", "disposition_id": "recommended", "firewall_rule": "optional",
    "is_alert": "recommended", "malware": "optional", "malware_scan_info": "optional", "policy": "optional",
    "risk_details": "optional", "risk_level": "optional", "risk_level_id": "optional", "risk_score": "optional",
}  # fmt: skip
ACTIONS = {"0": "Unknown", "1": "Allowed", "2": "Denied", "3": "Observed", "4": "Modified", "99": "Other"}
WHOLE = {"integer_t", "long_t", "timestamp_t", "port_t"}


@functools.cache
def schema(version):
    name = "v" + version.replace(".", "_") + ".json"
    return json.loads((importlib.resources.files("ocsf") / "schemas" / name).read_text())


class Checker:
    """Finds everything that is wrong with events of one version of the schema."""

    def __init__(self, version):
        self.version = version
        self.schema = schema(version)
        self.attributes = self.schema["dictionary"]["attributes"]
        self.types = self.schema["dictionary"]["types"]["attributes"]
        self.categories = {
            name: category for name, category in self.schema["categories_meta"]["attributes"].items()
        }
        self.classes = {}
        for name, event in self.schema["events"].items():
            category = self.inherited("events", name, "category")
            uid = event.get("uid")
            if name == "base_event":
                self.classes[0] = name
            elif uid is not None and category in self.categories:
                self.classes[self.categories[category]["uid"] * 1000 + uid] = name

    def chain(self, kind, name):
        """The definitions from the root down to this one."""
        chain = []
        while name:
            definition = self.schema[kind].get(name) or self.schema[kind].get("_" + name)
            chain.insert(0, definition)
            name = definition.get("extends")
        return chain

    def inherited(self, kind, name, key):
        found = None
        for definition in self.chain(kind, name):
            found = definition.get(key, found)
        return found

    @functools.lru_cache(maxsize=None)
    def members(self, kind, name):
        """Every attribute with what the dictionary, the ancestors and the definition itself say of it."""
        merged = {}
        for definition in self.chain(kind, name):
            for key, own in definition.get("attributes", {}).items():
                if key == "$include":
                    continue
                before = merged.get(key, self.attributes.get(key, {}))
                enum = {**before.get("enum", {}), **own.get("enum", {})}
                merged[key] = {**before, **{k: v for k, v in own.items() if v is not None}, "enum": enum}
        return merged

    def check(self, event):
        """The problems of an event; none is what we want."""
        problems = []
        say = lambda place, what: problems.append(f"{place}: {what}")
        uid = event.get("class_uid")
        if uid not in self.classes:
            return [f"class_uid: {uid} is no class"]
        name = self.classes[uid]
        members = dict(self.members("events", name))
        profiles = event.get("metadata", {}).get("profiles", [])
        for profile in profiles:
            if profile != "security_control" or profile not in self.inherited_profiles(name):
                say("metadata.profiles", f"{profile} is not a profile of {name}")
        if "security_control" in profiles:
            for key, requirement in SECURITY_CONTROL.items():
                members[key] = {**self.attributes[key], "requirement": requirement}
            members["action_id"] = {**members["action_id"], "enum": {k: {"caption": v} for k, v in ACTIONS.items()}}
            for key in ("action_id", "disposition_id", "is_alert"):
                if key not in event:
                    say(key, "missing, though the profile recommends it")
        self.check_members(event, members, "", say)
        self.check_constraints(event, self.inherited("events", name, "constraints"), name, say)
        category = self.inherited("events", name, "category")
        expected = self.categories.get(category, {"uid": 0, "caption": "Uncategorized"})
        caption = self.schema["events"][name]["caption"]
        activity = event.get("activity_id")
        for key, value in {
            "category_uid": expected["uid"] if uid else 0,
            "category_name": expected["caption"] if uid else "Uncategorized",
            "class_name": caption,
            "type_uid": uid * 100 + activity,
            "type_name": f"{caption}: {event.get('activity_name')}",
        }.items():
            if event.get(key) != value:
                say(key, f"{event.get(key)!r} is not {value!r}")
        if event.get("metadata", {}).get("version") != self.version:
            say("metadata.version", f"is not {self.version}")
        return problems

    def inherited_profiles(self, name):
        return {profile for each in self.chain("events", name) for profile in each.get("profiles", [])}

    def check_members(self, value, members, place, say):
        for key, member in members.items():
            if member.get("requirement") == "required" and key not in value:
                say(place + key, "missing, and required")
        for key, item in value.items():
            member = members.get(key)
            if member is None:
                say(place + key, "is not an attribute")
                continue
            if "@deprecated" in member:
                say(place + key, "is deprecated")
            if key in ("class_uid", "category_uid", "type_uid"):
                member = {**member, "enum": {}}
            if member.get("is_array"):
                if not isinstance(item, list):
                    say(place + key, "is not an array")
                    continue
                for index, each in enumerate(item):
                    self.check_value(each, member, f"{place}{key}[{index}]", say)
            else:
                self.check_value(item, member, place + key, say)
            sibling = member.get("sibling")
            if sibling and member["enum"] and not isinstance(item, list):
                caption = member["enum"].get(str(item), {}).get("caption")
                if sibling not in value:
                    say(place + sibling, f"missing beside {key}")
                elif item == 99:
                    if not value[sibling]:
                        say(place + sibling, "is empty, though 99 needs it")
                elif value[sibling] != caption:
                    say(place + sibling, f"{value[sibling]!r} is not {caption!r}")

    def check_value(self, item, member, place, say):
        kind = member.get("type", "string_t")
        if kind in ("object", "json_t"):
            return
        if kind in self.schema["objects"]:
            if not isinstance(item, dict):
                return say(place, "is not an object")
            self.check_members(item, self.members("objects", kind), place + ".", say)
            self.check_constraints(item, self.inherited("objects", kind, "constraints"), place, say)
            return
        if member.get("enum") and str(item) not in member["enum"]:
            say(place, f"{item!r} is not in the enumeration")
        if kind in WHOLE:
            if not isinstance(item, int) or isinstance(item, bool):
                say(place, f"{item!r} is not a whole number")
        elif kind == "boolean_t":
            if not isinstance(item, bool):
                say(place, f"{item!r} is not a boolean")
        elif not isinstance(item, str):
            say(place, f"{item!r} is not a string")
        elif (pattern := self.types.get(kind, {}).get("regex")) and not re.search(pattern, item):
            say(place, f"{item!r} is no {kind}")

    @staticmethod
    def check_constraints(value, constraints, place, say):
        for rule, names in (constraints or {}).items():
            count = sum(name in value for name in names)
            if (rule == "at_least_one" and count < 1) or (rule == "just_one" and count != 1):
                say(place, f"has {count} of {names}, against {rule}")
