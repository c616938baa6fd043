"""Runs on an application's host: many clients write numbered rows through the real endpoint, and say what came of each.

Sent over SSH as one argument, so it needs nothing of egov, only Debian's python3-psycopg2. It writes the ledger to
stdout, outside the system under test, and ends when its input ends: a drill that dies leaves no writer behind.

write   header, then `w CLIENT SEQ SENT ENDED OUTCOME` and `r SENT ENDED OUTCOME`, then `end WRITES READS TIME`
rows    `row CLIENT SEQ DIGEST POSITION` for every row of the run, then `rows COUNT`

Outcomes: `ack` the server said that it is committed; `refused` it said that it is not; `unknown` it said neither.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import threading
import time

import psycopg2

# No statement_timeout: a cancelled wait for the other copy would be answered as if it had been committed everywhere.
_SETTINGS = "sslmode=verify-ca connect_timeout=3 dbname=drill user=drill application_name=egov-drill"
_COMMITTED_HERE = "committed locally"
_PAUSE_SECONDS = 0.05
_AGAIN_SECONDS = 0.25  # until a client that failed tries again: a storm of logins would slow down what is to recover


def digest(run: str, client: int, seq: int) -> str:
    """Return what a row must hold; the verifier computes the same."""
    return hashlib.sha256(f"{run}:{client}:{seq}".encode()).hexdigest()


class Writer:
    """All clients of one run."""

    def __init__(self, given: argparse.Namespace) -> None:
        tls = f"sslrootcert={given.tls}/authority.pem sslcert={given.tls}/certificate.pem sslkey={given.tls}/key.pem"
        self.where = f"{_SETTINGS} {tls} host={given.host}"
        self.given = given
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.counts = {"w": 0, "r": 0}
        self._start, self._from = time.time(), time.monotonic()

    def now(self) -> float:
        """Return seconds since the epoch that never go back."""
        return self._start + time.monotonic() - self._from

    def say(self, kind: str, *words: object) -> None:
        """Write one line of the ledger; whole lines, whoever writes."""
        with self.lock:
            self.counts[kind] += 1
            sys.stdout.write(" ".join((kind, *map(str, words))) + "\n")

    def write(self, client: int) -> None:
        """Write rows one after the other until the end; after an error go on with the next number."""
        connection, seq = None, 0
        while not self.ended.is_set():
            try:
                if connection is None:
                    connection = psycopg2.connect(f"{self.where} port={self.given.write_port}")
                    connection.autocommit = True
            except psycopg2.Error:
                self.ended.wait(_AGAIN_SECONDS)
                continue
            seq += 1
            sent = self.now()
            outcome = self._insert(connection, client, seq)
            self.say("w", client, seq, f"{sent:.6f}", f"{self.now():.6f}", outcome)
            if outcome != "ack":
                connection.close()
                connection = None
                self.ended.wait(_AGAIN_SECONDS)
            elif self.given.rate:
                self.ended.wait(max(0.0, sent + 1 / self.given.rate - self.now()))

    def _insert(self, connection: psycopg2.extensions.connection, client: int, seq: int) -> str:
        values = (self.given.run, client, seq, digest(self.given.run, client, seq))
        try:
            with connection.cursor() as cursor:
                cursor.execute("insert into ledger (run, client, seq, digest) values (%s, %s, %s, %s)", values)
        except psycopg2.Error as error:
            said_no = error.pgcode is not None and not connection.closed and not error.pgcode.startswith("57P")
            return "refused" if said_no else "unknown"
        return "unknown" if any(_COMMITTED_HERE in notice for notice in connection.notices) else "ack"

    def read(self) -> None:
        """Read over and over; a read counts once its answer is there."""
        connection = None
        while not self.ended.is_set():
            sent, outcome = self.now(), "ack"
            try:
                if connection is None:
                    connection = psycopg2.connect(f"{self.where} port={self.given.read_port}")
                    connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute("select max(position) from ledger")
                    cursor.fetchone()
            except psycopg2.Error:
                connection, outcome = None, "unknown"
            self.say("r", f"{sent:.6f}", f"{self.now():.6f}", outcome)
            self.ended.wait(_PAUSE_SECONDS)

    def run(self) -> None:
        """Write and read until the input ends, or for --seconds."""
        first, clients = self.given.first, self.given.clients
        sys.stdout.write(f"ledger {self.given.run} {first} {clients} {self.now():.6f}\n")
        sys.stdout.flush()
        work = [threading.Thread(target=self.write, args=(first + n,), daemon=True) for n in range(clients)]
        work += [threading.Thread(target=self.read, daemon=True) for _ in range(self.given.readers)]
        for thread in work:
            thread.start()
        if self.given.seconds:
            self.ended.wait(self.given.seconds)
        else:
            sys.stdin.read()
        self.ended.set()
        for thread in work:
            thread.join(timeout=40)
        with self.lock:
            sys.stdout.write(f"end {self.counts['w']} {self.counts['r']} {self.now():.6f}\n")
            sys.stdout.flush()

    def rows(self) -> None:
        """Print every row of the run as the leader has it."""
        count = 0
        connection = psycopg2.connect(f"{self.where} port={self.given.write_port}")
        with connection, connection.cursor(name="rows") as cursor:
            cursor.itersize = 10_000
            query = "select client, seq, digest, position from ledger where run = %s order by position"
            cursor.execute(query, (self.given.run,))
            for row in cursor:
                count += 1
                sys.stdout.write("row {} {} {} {}\n".format(*row))
        sys.stdout.write(f"rows {count}\n")


def main() -> None:
    """Do as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("write", "rows"))
    parser.add_argument("--run", required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first client: no two hosts share one")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--readers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--rate", type=float, default=0, help="rows a second of a client at most; 0: as fast as it can")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--write-port", type=int, default=5432)
    parser.add_argument("--read-port", type=int, default=5433)
    parser.add_argument("--tls", default="/etc/haproxy/tls")
    given = parser.parse_args()
    writer = Writer(given)
    writer.run() if given.what == "write" else writer.rows()


if __name__ == "__main__":
    main()
