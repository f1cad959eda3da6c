"""How long after a deletion the last of n nodes has heard of it: what docs/scaling.md has where arithmetic is not enough.
Standard library only; the same figures in every run.

    python3 scripts/lib/hearing.py
"""

import random

DELETIONS = 100_000
WAY, TAIL = 0.5, 2.0  # Milliseconds.
PAUSE, OF = 200.0, 10_000


def hears(chance):
    """When one node hears of one deletion."""
    paused = chance.random() * PAUSE if chance.randrange(OF) == 0 else 0.0
    return WAY + chance.expovariate(1 / TAIL) + paused


def main():
    print("| Nodes | the last has heard, median ms | p99 | p99.9 |\n|---|---|---|---|")
    for nodes in (2, 5, 10, 20, 50):
        chance = random.Random(nodes)
        # As many draws for each row.
        rounds = DELETIONS // nodes * 2
        last = sorted(max(hears(chance) for _ in range(nodes)) for _ in range(rounds))
        at = [last[int(rounds * part)] for part in (0.5, 0.99, 0.999)]
        print(f"| {nodes} | " + " | ".join(f"{ms:.1f}" for ms in at) + " |")


if __name__ == "__main__":
    main()
