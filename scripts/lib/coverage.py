"""How many lines of src/ the tests have run, from an lcov file: a row per folder, and the lines that no test runs.

    coverage.py FILE [FOLDER…]
"""

import pathlib
import re
import sys

HELD_TO = {"src/store": 0.9, "src/web/pages": 0.9}
# Tests within a file stand at its end; a file that is all tests is named by another.
TESTS_WITHIN = re.compile(r"^#\[cfg\((?:all\()?test\b.*\)\]\n(?:#\[.*\]\n)*(?:pub\S* )?mod \w+ \{", re.MULTILINE)
TESTS_BESIDE = re.compile(r"^#\[cfg\(test\)\]\n(?:pub\S* )?mod (\w+);", re.MULTILINE)


def lines_run(report):
    """How often each line of each file was run; lines of tests are left out."""
    root = pathlib.Path.cwd()
    texts = {path: path.read_text() for path in root.glob("src/**/*.rs")}
    beside = {name for text in texts.values() for name in TESTS_BESIDE.findall(text)}
    files = {}
    for record in report.read_text().split("end_of_record\n"):
        source = re.search(r"^SF:(.*)$", record, re.MULTILINE)
        path = pathlib.Path(source[1]) if source else root
        if path not in texts or path.stem in beside:
            continue
        within = TESTS_WITHIN.search(texts[path])
        lines = texts[path][: within.start() if within else None].count("\n")
        counts = ((int(line), int(count)) for line, count in re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE))
        files[str(path.relative_to(root))] = {line: count for line, count in counts if line <= lines}
    return files


def folder_of(name):
    parts = name.split("/")[:-1]
    return "/".join(parts[: 3 if parts[1:2] == ["web"] else 2])


def table(files):
    """Prints the rows, and gives the folders that are under what they are held to."""
    folders = {}
    for name, lines in files.items():
        run, whole = folders.get(folder_of(name), (0, 0))
        folders[folder_of(name)] = (run + sum(count > 0 for count in lines.values()), whole + len(lines))
    rows = sorted(folders.items()) + [("all", tuple(map(sum, zip(*folders.values(), strict=True))))]
    for folder, (run, whole) in rows:
        print(f"{folder:16} {run:6} of {whole:6} lines  {run / whole:7.2%}")
    return [folder for folder, part in HELD_TO.items() if folders[folder][0] < part * folders[folder][1]]


def never_run(files, folders):
    for name, lines in sorted(files.items()):
        if name.startswith(folders):
            text = pathlib.Path(name).read_text().splitlines()
            for line in sorted(line for line, count in lines.items() if count == 0):
                print(f"{name}:{line}: {text[line - 1].strip()}")


def main():
    report, *folders = sys.argv[1:]
    files = lines_run(pathlib.Path(report))
    if folders:
        never_run(files, tuple(folders))
    under = table(files)
    for folder in under:
        print(f"{folder} is held to {HELD_TO[folder]:.0%}", file=sys.stderr)
    return 1 if under else 0


sys.exit(main())
