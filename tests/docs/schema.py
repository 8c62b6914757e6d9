"""As much of JSON Schema 2020-12 as docs/schema/ uses, in place of a package: a keyword that is not known here is an error, so that
no part of a schema is passed over."""

import re

ANNOTATIONS = {"$schema", "$id", "$comment", "$defs", "title", "description", "format"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


def _if(root, schema, value, path):
    branch = "else" if faults(root, schema["if"], value, path) else "then"
    return faults(root, schema.get(branch, {}), value, path)


def _properties(root, schema, value, path):
    rest = schema.get("additionalProperties", {})
    named = schema.get("properties", {})
    return [fault for name, member in value.items()
            for fault in faults(root, named.get(name, rest), member, f"{path}.{name}")]


def _items(root, schema, value, path):
    return [fault for i, item in enumerate(value) for fault in faults(root, schema["items"], item, f"{path}[{i}]")]


# Keyword -> (the types it speaks of, what is wrong with a value of these types).
KEYWORDS = {
    "type": (None, lambda r, s, v, p: [] if TYPES[s["type"]](v) else [f"{p}: no {s['type']}"]),
    "const": (None, lambda r, s, v, p: [] if same(v, s["const"]) else [f"{p}: not {s['const']!r}"]),
    "enum": (None, lambda r, s, v, p: [] if any(same(v, e) for e in s["enum"]) else [f"{p}: none of {s['enum']!r}"]),
    "$ref": (None, lambda r, s, v, p: faults(r, r["$defs"][s["$ref"].removeprefix("#/$defs/")], v, p)),
    "anyOf": (None, lambda r, s, v, p: [] if any(not faults(r, a, v, p) for a in s["anyOf"]) else [f"{p}: no alternative fits"]),
    "allOf": (None, lambda r, s, v, p: [f for a in s["allOf"] for f in faults(r, a, v, p)]),
    "not": (None, lambda r, s, v, p: [] if faults(r, s["not"], v, p) else [f"{p}: must not be {s['not']!r}"]),
    "if": (None, _if),
    "then": (None, lambda r, s, v, p: []),  # of `if`
    "else": (None, lambda r, s, v, p: []),
    "required": ("object", lambda r, s, v, p: [f"{p}: lacks {n}" for n in s["required"] if n not in v]),
    "properties": ("object", _properties),
    "additionalProperties": ("object", lambda r, s, v, p: [] if "properties" in s else _properties(r, s, v, p)),
    "items": ("array", _items),
    "maxItems": ("array", lambda r, s, v, p: [] if len(v) <= s["maxItems"] else [f"{p}: too many"]),
    "uniqueItems": ("array", lambda r, s, v, p: [] if len(v) == len(set(map(str, v))) else [f"{p}: one twice"]),
    "minLength": ("string", lambda r, s, v, p: [] if len(v) >= s["minLength"] else [f"{p}: too short"]),
    "maxLength": ("string", lambda r, s, v, p: [] if len(v) <= s["maxLength"] else [f"{p}: too long"]),
    "pattern": ("string", lambda r, s, v, p: [] if re.search(s["pattern"], v) else [f"{p}: not like {s['pattern']}"]),
    "minimum": ("integer", lambda r, s, v, p: [] if v >= s["minimum"] else [f"{p}: too small"]),
    "maximum": ("integer", lambda r, s, v, p: [] if v <= s["maximum"] else [f"{p}: too large"]),
}


def same(a, b):
    """Equal as JSON: 1 is not true."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def faults(root, schema, value, path="it"):
    """What is wrong with `value`, as texts; none if it fits."""
    found = []
    for keyword in schema:
        if keyword in ANNOTATIONS:
            continue
        kind, check = KEYWORDS[keyword]
        if kind is None or TYPES[kind](value):
            found += check(root, schema, value, path)
    return found
