"""The smallest body that the API's own document allows for an address: what tests send when any body will do."""

from typing import Any

TEXTS = {"date": "2025-01-01", "date-time": "2025-01-01T10:00:00Z", "duration": "10:00:00", "uuid": f"{0:032x}"}
PLAIN = "AAAA"  # good base64 as well


def smallest_body(document: dict[str, Any], template: str) -> dict[str, Any]:
    """What the POST of this address takes, with nothing that may be left out."""
    content = document["paths"][template]["post"].get("requestBody", {}).get("content", {})
    body = smallest(document, content["application/json"]["schema"]) if content else {}
    assert isinstance(body, dict), template
    return body


def smallest(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """The smallest value that a schema of the document allows."""
    if "$ref" in schema:
        return smallest(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return smallest(document, schema[several][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    kind = schema["type"][0] if isinstance(schema.get("type"), list) else schema.get("type")
    makers = {
        "object": lambda: {name: smallest(document, schema["properties"][name]) for name in schema.get("required", ())},
        "array": lambda: [smallest(document, schema["items"])] * schema.get("minItems", 0),
        "string": lambda: TEXTS.get(schema.get("format", ""), PLAIN[: schema.get("maxLength")]),
        "integer": lambda: max(1, schema.get("minimum", 1)),
        "boolean": lambda: True,
    }
    return makers[kind]() if kind in makers else None
