# One table of the measurements of scripts/bench: $gate, $desk, $pages, $keys and $flood hold what each wrote.
def places($n): . * pow(10; $n) | round / pow(10; $n);
def row($of; $row; $found; $target; $met): {of: $of, row: $row, found: $found, target: $target, met: $met};

$gate[0] as $gate | $desk[0] as $desk | $pages[0] as $pages | $keys[0] as $keys | $flood[0] as $flood
| {
    about: {command: $command, at: $at, commit: $commit, cores: $cores},
    parts: {gate: $gate, desk: $desk, pages: $pages, keys: $keys, flood: $flood},
    rows: [
      ($gate.rows[] | row("gate"; .title;
        "\(.of_floor.median | places(2)) of the floor, \(.per_second.median | round) a second, \(.cpu_us.median | places(1)) µs of CPU, p99 \(.p99_us | round) µs";
        (if .target then "≥ \(.target)" else null end); .met)),
      ($gate.growth | select(.) | row("gate"; "from 1 k to 1 M keys known"; "\(.by_throughput.median | places(2)) ×"; "≤ \(.target)"; .met)),
      ($gate.rows[] | select(.row == "many") | row("gate"; "1 M keys known"; "\(.memory_mib | round) MiB"; "≤ 300 MiB"; .memory_mib <= 300)),
      ($desk.rows[] | row("desk, \(.engine)"; .row; "\(.cpu_ms) ms of CPU, \(.of_floor) × the floor, p99 \(.p99_ms) ms"; null; null)),
      row("desk"; "start to first answer, 100 k keys"; "\($desk.start_ms) ms"; "≤ \($desk.about.start) ms"; $desk.start_ms <= $desk.about.start),
      row("desk"; "memory when idle"; "\($desk.idle_mib) MiB"; "≤ \($desk.about.idle) MiB"; $desk.idle_mib <= $desk.about.idle),
      ($pages.about as $bound | $pages.rows[] | row("pages"; .path; "\(.cpu_ms) ms of CPU, \(.bytes / 1024 | places(1)) KB";
        "≤ \($bound.ms) ms, \($bound.bytes / 1024) KB"; .cpu_ms <= $bound.ms and .bytes <= $bound.bytes)),
      ($keys.about as $bound | $keys.rows[] | row("keys"; .page; "\(.cpu_ms | map(tostring) | join(" / ")) ms of CPU, grows \(.growth) ×";
        "≤ \($bound.growth) ×"; .growth <= $bound.growth)),
      row("flood"; "p99 of the gate while \($flood.parallel) clients sign in"; "\($flood.p99_of_idle) of idle"; "< 2"; $flood.p99_of_idle < 2),
      row("release"; "one file"; "\($binary / 1048576 | places(1)) MiB"; "≤ 25 MiB"; $binary <= 26214400)
    ]
  }
