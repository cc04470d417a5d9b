"""The statements of a transaction, sent in as few round trips as its answers allow."""

from functools import lru_cache


class Statements:
    """Runs a SELECT at once, and with it, in one round trip, all that came before it and has no answer.

    Args:
        connection: In autocommit mode; the transaction begins with `begin`.
    """

    def __init__(self, connection, begin):
        self._connection = connection
        self._unsent = [(begin, ())]

    def __call__(self, statement, values=()):
        self.later(statement, values)
        return self.send() if statement.startswith("SELECT") else None

    def later(self, statement, values=()):
        self._unsent.append((_in_psycopgs_words(statement), values))

    def send(self):
        """Send what is unsent, and return what the last statement found."""
        unsent, self._unsent = self._unsent, []
        if len(unsent) == 1:
            # A pipeline costs more than it saves here.
            return self._connection.execute(*unsent[0])
        with self._connection.pipeline():
            cursors = [self._connection.execute(*statement) for statement in unsent]
        return cursors[-1]


@lru_cache
def _in_psycopgs_words(statement):
    return statement.replace("?", "%s")
