"""What the program is built from, as `cargo metadata` says: the crates that are linked into it on Linux, with every
feature, and those that only build or test it."""

import json
import subprocess
import tomllib

TARGET = "x86_64-unknown-linux-gnu"


class Crates:
    def __init__(self):
        self.described = described()
        self.packages = {package["id"]: package for package in self.described["packages"]}
        self.nodes = {node["id"]: node for node in self.described["resolve"]["nodes"]}
        self.root = self.described["resolve"]["root"]

    def needed_by(self, crate):
        """The ids of the crates that are linked with this one."""
        return sorted(
            dependency["pkg"]
            for dependency in self.nodes[crate]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        )

    def linked(self):
        """Every crate in the program but the program itself, by name and version."""
        found, open_ends = set(), [self.root]
        while open_ends:
            for crate in self.needed_by(open_ends.pop()):
                if crate not in found:
                    found.add(crate)
                    open_ends.append(crate)
        linked = (self.packages[crate] for crate in found)
        return sorted(linked, key=lambda package: (package["name"], package["version"]))


def described():
    command = ["cargo", "metadata", "--locked", "--all-features", "--format-version", "1", "--filter-platform", TARGET]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def locked():
    """Name, version and checksum of every crate of Cargo.lock that comes from a registry."""
    with open("Cargo.lock", "rb") as lock:
        packages = tomllib.load(lock)["package"]
    return [(package["name"], package["version"], package["checksum"]) for package in packages if "checksum" in package]
