"""How many lines of src/ a run of the tests has reached, from an lcov file: a row per folder, and the lines left out.

    coverage.py FILE [FOLDER…]
"""

import pathlib
import re
import sys

HELD_TO = {"src/store": 0.9, "src/web/pages": 0.9}
TESTS = re.compile(r"^#\[cfg\((?:all\()?test\b.*\)\]\n(?:#\[.*\]\n)*mod \w+ \{", re.MULTILINE)


def lines_run(report, root):
    """What each file's lines were run for how often, its tests left out."""
    files = {}
    for record in report.read_text().split("end_of_record\n"):
        source = re.search(r"^SF:(.*)$", record, re.MULTILINE)
        if not source or not source[1].startswith(f"{root}/src/"):
            continue
        path = pathlib.Path(source[1])
        tests = TESTS.search(text := path.read_text())
        end = text.count("\n", 0, tests.start()) + 1 if tests else sys.maxsize
        name = str(path.relative_to(root))
        # A file that is all tests is named so by whoever includes it.
        if path.stem in {"tests", "changes_under_loom", "key_plans"}:
            continue
        counts = re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE)
        files[name] = {int(line): int(count) for line, count in counts if int(line) < end}
    return files


def folder_of(name):
    parts = name.split("/")[:-1]
    return "/".join(parts[: 3 if parts[1:2] == ["web"] else 2])


def table(files):
    """Prints the rows; the folders that are under what they are held to."""
    folders = {}
    for name, lines in files.items():
        run, all_lines = folders.get(folder_of(name), (0, 0))
        folders[folder_of(name)] = (run + sum(count > 0 for count in lines.values()), all_lines + len(lines))
    folders["all of it"] = tuple(map(sum, zip(*folders.values(), strict=True)))
    for folder, (run, all_lines) in sorted(folders.items(), key=lambda row: (row[0] == "all of it", row)):
        print(f"{folder:20} {run:6} of {all_lines:6} lines  {run / all_lines:7.2%}")
    return [folder for folder, part in HELD_TO.items() if folders[folder][0] < part * folders[folder][1]]


def left_out(files, wanted):
    for name, lines in sorted(files.items()):
        if name.startswith(wanted):
            text = pathlib.Path(name).read_text().splitlines()
            for line in sorted(line for line, count in lines.items() if count == 0):
                print(f"{name}:{line}: {text[line - 1]}")


def main():
    files = lines_run(pathlib.Path(sys.argv[1]), pathlib.Path.cwd())
    if sys.argv[2:]:
        left_out(files, tuple(sys.argv[2:]))
        print()
    under = table(files)
    for folder in under:
        print(f"{folder} is held to {HELD_TO[folder]:.0%}")
    return 1 if under else 0


sys.exit(main())
