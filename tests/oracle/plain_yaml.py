"""As much YAML as the files of a company are written in: block mappings and lists, flow mappings and lists in one line, plain and
quoted scalars, comments. What is not that is an error, so that nothing is read by halves."""

import json
import re

WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
TOKEN = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[{}\[\],]|:(?=\s|$)|(?:[^{}\[\],:#\s]|:(?=\S)|(?<=\S)#|[ \t]+(?=[^{}\[\],:#\s]))+)""")


def scalar(text):
    if text[:1] == '"':
        return json.loads(text)
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if text in WORDS:
        return WORDS[text]
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]+\.[0-9]+", text):
        return float(text)
    if re.match(r"[&*!|>%@`]", text):
        raise ValueError("not plain YAML: %r" % text)
    return text


def tokens_of(line):
    tokens, at = [], 0
    while line[at:].strip():
        match = TOKEN.match(line, at)
        if match is None:
            if re.match(r"\s*#", line[at:]):
                break
            raise ValueError("not plain YAML: %r" % line)
        tokens.append(match[1].strip())
        at = match.end()
    return tokens


def flow(tokens):
    """The value at the head of the tokens, which are used up."""
    head = tokens.pop(0)
    if head == "{":
        found = {}
        while tokens[0] != "}":
            key = scalar(tokens.pop(0))
            if tokens.pop(0) != ":":
                raise ValueError("a flow mapping without a colon")
            found[str(key)] = flow(tokens)
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return found
    if head == "[":
        found = []
        while tokens[0] != "]":
            found.append(flow(tokens))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return found
    return scalar(head)


class Block:
    """Lines as (indent, tokens); a `- ` at the head of a line is a token and an indent of its own."""

    def __init__(self, text):
        self.lines = []
        for line in text.splitlines():
            indent = len(line) - len(line.lstrip(" "))
            rest = line[indent:]
            while re.match(r"-(\s|$)", rest):
                self.lines.append((indent, ["-"]))
                inner = rest[1:].lstrip(" ")
                indent += len(rest) - len(inner)
                rest = inner
            tokens = tokens_of(rest)
            if tokens and tokens != ["---"]:
                self.lines.append((indent, tokens))

    def value(self, indent):
        if not self.lines or self.lines[0][0] < indent:
            return None
        at, tokens = self.lines[0]
        if tokens == ["-"]:
            found = []
            while self.lines and self.lines[0] == (at, ["-"]):
                self.lines.pop(0)
                found.append(self.value(at + 1))
            return found
        if len(tokens) >= 2 and tokens[1] == ":":
            found = {}
            while self.lines and self.lines[0][0] == at and self.lines[0][1][1:2] == [":"]:
                key, _, *rest = self.lines.pop(0)[1]
                is_list = self.lines and self.lines[0] == (at, ["-"])
                found[str(scalar(key))] = self.inline(rest) if rest else self.value(at if is_list else at + 1)
            return found
        return self.inline(self.lines.pop(0)[1])

    @staticmethod
    def inline(tokens):
        tokens = list(tokens)
        value = flow(tokens)
        if tokens:
            raise ValueError("not plain YAML: %r is left over" % tokens)
        return value


def load(text):
    """The document: JSON, or plain YAML."""
    try:
        return json.loads(text)
    except ValueError:
        block = Block(text)
        value = block.value(0)
        if block.lines:
            raise ValueError("not plain YAML: %r" % (block.lines[0],)) from None
        return value
