"""The lines of a rollcall log."""

import re


def log_events(text):
    """{key: value} of each line of a rollcall log that is one."""
    for line in text.splitlines():
        if line.startswith("ts="):
            yield {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line)}
