"""Ledgers and rows as a writer and a database would leave them, to be doctored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from egov.drills.verify import digest

RUN = "20261127t080000z-kill-leader"
START = 1_000_000.0


@dataclass(frozen=True)
class Told:
    """A ledger and a read-back as lines; every change returns another one."""

    ledger: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def line(self, beginning: str) -> int:
        """Return the index of the ledger's line that begins so."""
        return next(n for n, line in enumerate(self.ledger) if line.startswith(beginning))

    def row(self, client: int, seq: int) -> int:
        """Return the index of a row."""
        return next(n for n, line in enumerate(self.rows) if line.startswith(f"row {client} {seq} "))

    def with_ledger(self, index: int, *lines: str) -> Told:
        """Return it with one line of the ledger replaced by others."""
        return replace(self, ledger=(*self.ledger[:index], *lines, *self.ledger[index + 1 :]))

    def with_row(self, index: int, *lines: str) -> Told:
        """Return it with one row replaced by others, and the row count as a clever forger would write it."""
        rows = [*self.rows[:index], *lines, *self.rows[index + 1 :]]
        return replace(self, rows=(*rows[:-1], f"rows {len(rows) - 1}"))


def honest(clients: int = 3, each: int = 20) -> Told:
    """Return a run in which client 1 was refused its row 7, and never heard what came of row 11 (it is there)."""
    ledger = [f"ledger {RUN} 0 {clients} {START:.6f}"]
    rows = []
    position = 0
    for seq in range(1, each + 1):
        for client in range(clients):
            outcome = {(1, 7): "refused", (1, 11): "unknown"}.get((client, seq), "ack")
            sent = START + seq + client / 100
            ledger.append(f"w {client} {seq} {sent:.6f} {sent + 0.01:.6f} {outcome}")
            if outcome != "refused":
                position += 1
                rows.append(f"row {client} {seq} {digest(RUN, client, seq)} {position}")
        ledger.append(f"r {START + seq + 0.5:.6f} {START + seq + 0.51:.6f} ack")
    ledger.append(f"end {clients * each} {each} {START + each + 1:.6f}")
    return Told(tuple(ledger), (*rows, f"rows {len(rows)}"))
