"""Stores as they were before manifests and notes carried digests."""

import json


def without_digests(root):
    """Take the digests out of all manifests and journals below a store's root."""
    for folder in ("studies", "pilots"):
        for path in (root / folder).glob("*.json"):
            unseal_manifest(path)
    for path in (root / "evidence").glob("*/journal.jsonl"):
        unseal_journal(path)


def unseal_manifest(path):
    described = json.loads(path.read_text())
    del described["sha256"]
    path.write_text(json.dumps(described, indent=1, sort_keys=True))


def unseal_journal(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["content"], line["check"]
    path.write_text("".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines))
