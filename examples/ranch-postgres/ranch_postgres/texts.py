"""Text in PostgreSQL, which knows no NUL: U+0000 and U+0001 are stored as two characters each, in the same order."""

from psycopg.adapt import Loader
from psycopg.types.string import StrDumper


def escaped(text):
    if "\0" in text or "\1" in text:
        return text.replace("\1", "\1\2").replace("\0", "\1\1")
    return text


def unescaped(text):
    return text.replace("\1\1", "\0").replace("\1\2", "\1") if "\1" in text else text


def keep_all_characters(connection):
    """Let all text go through here, both ways."""
    connection.adapters.register_dumper(str, TextDumper)
    connection.adapters.register_loader("text", TextLoader)


class TextDumper(StrDumper):
    def dump(self, obj):
        return super().dump(escaped(obj))


class TextLoader(Loader):
    def load(self, data):
        return unescaped(bytes(data).decode())
