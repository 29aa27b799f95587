"""Bundles as a forger would make them: contents changed, digests brought up to date."""

import hashlib
import json
import zipfile


def rewrite(path, change):
    """Change the files of a bundle and bring its manifest up to date, as a forger would."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    del files["bundle.json"]
    change(files)
    manifest = {
        "schema": 1,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()
        },
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"bundle.json": json.dumps(manifest).encode(), **files}.items():
            archive.writestr(name, content)


def edit_json(name, edit):
    """A change for `rewrite`: the JSON file whose name ends like this, edited."""

    def change(files):
        key = next(key for key in files if key.endswith(name))
        described = json.loads(files[key])
        edit(described)
        # As zarr writes it, so that nothing but the edit differs.
        files[key] = json.dumps(described, indent=2).encode()

    return change
