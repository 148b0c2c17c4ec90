"""Reads texts (a JSON list on standard input) as Python's tools read their TOML files: with tomllib.

Prints a JSON list: for each text what it says, or null where it is not TOML. What JSON cannot tell apart
(1 and 1.0, a date and its text) and what a JavaScript number cannot hold is a list of its type and its text.
"""

import json
import sys
import tomllib


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return ["list", *map(plain, value)]
    if isinstance(value, (str, bool)):
        return value
    return [type(value).__name__, str(value)]


def read(text):
    try:
        return plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return None


json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
