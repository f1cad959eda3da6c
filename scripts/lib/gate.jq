# From the slots of scripts/bench gate to its figures. $slots: one object per row and round; $rows: the rows as text;
# $memory: a server and its KiB a line; $about: how it was measured.
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def spread: {median: median, least: min, most: max};
def fixed($places): (pow(10; $places)) as $p | (. * $p | round) as $n
  | ($n / $p | tostring) as $text
  | if $places == 0 then $text
    else ($text | if contains(".") then . else . + "." end) as $t
      | $t + ("0" * ($places - ($t | length - 1 - index(".")))  // "") end;
def percent: . * 100 | fixed(0) + " %";
# The rows that fit, each with its figure; nothing if there are none.
def named(fits; figure): map(select(fits) | "\(.row) \(figure)") | select(length > 0) | join(", ");
def rate: .requests / .us * 1e6;

($memory | split("\n") | map(select(. != "") | split(" ") | {key: .[0], value: (.[1] | tonumber / 1024)}) | from_entries) as $mib
| ($slots | map(select(.row == "floor")) | map({key: (.round | tostring), value: .}) | from_entries) as $floor
| [$rows | split("\n")[] | select(. != "") | split("|")
    | {row: .[0], server: .[1], traffic: .[2], status: (.[4] | tonumber), target: (.[5] | if . == "" then null else tonumber end), title: .[6]}
    | . as $row
    | [$slots[] | select(.row == $row.row)] as $turns
    | . + {
        per_second: ($turns | map(rate) | spread),
        of_floor: ($turns | map(rate / ($floor[.round | tostring] | rate)) | spread),
        cpu_us: ($turns | map(.cpu_us) | spread),
        cpu_of_floor: ($turns | map(.cpu_us / $floor[.round | tostring].cpu_us) | median),
        p50_us: ($turns | map(.p50) | median),
        p99_us: ($turns | map(.p99) | median),
        server_busy: ($turns | map(.server_busy) | median),
        load_busy: ($turns | map(.load_busy) | median),
        others: ($turns | map(.others) | median),
        logged_bytes: ($turns | map(.logged) | median),
        memory_mib: $mib[$row.server],
        wrong: ($turns | map(.wrong + .broken) | add)
      }
    | . + {met: (if .target == null then null else .of_floor.median >= .target end)}
  ] as $result
| ($result | map({key: .row, value: .}) | from_entries) as $by
| (if $by.few and $by.many then
    [range(1; $about.rounds + 1) as $round
      | [$slots[] | select(.round == $round)] as $turns
      | {few: ($turns[] | select(.row == "few")), many: ($turns[] | select(.row == "many"))}
      | {rate: ((.few | rate) / (.many | rate)), cpu: (.many.cpu_us / .few.cpu_us)}]
    | {by_throughput: (map(.rate) | spread), by_cpu: (map(.cpu) | spread), target: 1.1}
    | . + {met: (.by_throughput.median <= .target)}
  else null end) as $growth
| {
    measured_by: $about, rows: $result, growth: $growth, slots: $slots,
    wrong: ($result | map(.wrong) | add),
    table: (
      ["|requests/s|spread|of floor|target||CPU µs|of floor|p50 µs|p99 µs|server|wrk|others|MiB"]
      + ($result | map([
          .title, (.per_second.median | fixed(0)), "\(.per_second.least | fixed(0))–\(.per_second.most | fixed(0))",
          (.of_floor.median | fixed(2)), (if .target then "≥ \(.target | fixed(2))" else "" end),
          (if .met == null then "" elif .met then "met" else "MISSED" end),
          (.cpu_us.median | fixed(1)), (.cpu_of_floor | fixed(2)), (.p50_us | fixed(0)), (.p99_us | fixed(0)),
          (.server_busy | percent), (.load_busy | percent), (.others | percent), (.memory_mib | fixed(0))
        ] | join("|")))
    ),
    verdicts: (
      [if $about.part > 1 then "Tried with 1 key in \($about.part): no figure counts" else empty end,
        if $growth then "From 1 k to 1 M keys known a verdict costs \($growth.by_throughput.median | fixed(2)) × by throughput, \($growth.by_cpu.median | fixed(2)) × by CPU (target ≤ 1.10): \(if $growth.met then "met" else "MISSED" end)" else empty end,
        if $by.many then "1 M keys known take \($by.many.memory_mib | fixed(0)) MiB (target ≤ 300): \(if $by.many.memory_mib <= 300 then "met" else "MISSED" end)" else empty end,
        ($result | named(.load_busy > 0.95; .load_busy | percent) | "wrk had no time left, so it may be wrk that was measured: " + .),
        ($result | named(.others > 0.05; .others | percent) | "Others took a part of the server's core, so run it again on a quiet machine: " + .),
        ($result | named(.logged_bytes > 1; .logged_bytes | fixed(0)) | "Bytes logged for a request: " + .),
        ($result[] | select(.wrong > 0) | "\(.row): \(.wrong) answers were not \(.status)")]
    ),
    measured: [
      "Measured \($about.at): \($about.command), path \($about.path), commit \($about.commit), \($about.compiler)",
      "on \($about.kernel), \($about.cores) × \($about.processor); server on core \($about.server_core) with one worker, wrk on core \($about.load_core) with \($about.connections) connections",
      "Medians of \($about.rounds) rounds of \($about.seconds) s; each ratio is to the floor of its own round"
    ]
  }
