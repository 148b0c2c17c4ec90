"""Reads texts (a JSON list on standard input) as pip and twine read their files: with RawConfigParser.

Prints a JSON list: for each text its sections, each with its keys and values, or the name of the error.
"""

import configparser
import io
import json
import sys


def read(text):
    parser = configparser.RawConfigParser()
    try:
        # A file is opened with universal newlines: a lone carriage return ends a line too.
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        return {"error": type(error).__name__}
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**sections, "DEFAULT": dict(parser.defaults())} if parser.defaults() else sections


json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
