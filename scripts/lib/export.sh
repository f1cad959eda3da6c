# Exports of the audit log: how long a million events take, and what they do to the memory of the server.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${json:?}" "${part:?}" "${programs:?}" "${command_line:?}"
declare -A pid_of url_of

export_events=$((1000000 / part))
export_email=bench@bench.example
# MiB that the memory of the server may grow by.
export_target=20

bench_export() {
  local desk=(env KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/export" "$programs/keydesk") began
  # Nobody but this script signs in there.
  head --bytes=24 /dev/urandom | base64 >"$scratch/password"
  tr --delete '\n' <"$scratch/password" >"$scratch/password.form"
  "${desk[@]}" admin create "$export_email" <"$scratch/password" >/dev/null
  began=$SECONDS
  printf 'Seeding: '
  KEYDESK_DATA_DIR="$scratch/export" "$programs/examples/seed_events" --email "$export_email" --events "$export_events"
  printf '  took %s s\n' "$((SECONDS - began))"
  began=$EPOCHREALTIME
  "${desk[@]}" audit verify 2>/dev/null
  verified=$(awk -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { print to - from }')
  start desk "${desk[@]}"
  sign_in_by_curl "${url_of[desk]/127.0.0.1/localhost}" "$export_email"
  : >"$scratch/exports"
  export_measure csv
  export_measure jsonl
  export_report
}

# export_measure EXTENSION: downloads everything once.
export_measure() {
  local pid=${pid_of[desk]} url=${url_of[desk]/127.0.0.1/localhost} before peak took lines
  settle "$pid"
  # The peak so far, of the sign-in's password hash, is forgotten: what is left is what the server holds now.
  echo 5 >"/proc/$pid/clear_refs"
  before=$(memory_line VmRSS "$pid")
  took=$(curl --silent --show-error --fail --cookie "$scratch/cookies" --output "$scratch/exported" \
    --write-out '%{time_total} %{time_starttransfer}' "$url/settings/audit-log.$1")
  peak=$(memory_line VmHWM "$pid")
  lines=$(wc -l <"$scratch/exported")
  ((lines >= export_events)) || refuse "the export has $lines lines: these figures measure nothing"
  jq --null-input --compact-output --arg format "$1" --argjson lines "$lines" --argjson before "$before" \
    --argjson peak "$peak" --argjson seconds "${took% *}" --argjson first_byte "${took#* }" \
    --argjson bytes "$(stat --format=%s "$scratch/exported")" \
    '$ARGS.named + {grew_mib: (($peak - $before) / 1024)}' >>"$scratch/exports"
  rm "$scratch/exported"
}

# memory_line NAME PID: prints a line of the process's status, in KiB.
memory_line() {
  awk -v name="$1:" '$1 == name { print $2 }' "/proc/$2/status"
}

export_report() {
  mkdir -p "$(dirname "$json")"
  jq --slurp --argjson events "$export_events" --argjson target "$export_target" --argjson verified "$verified" \
    --arg at "$(date --utc +%FT%TZ)" --arg commit "$(git describe --always --dirty --abbrev=12)" \
    --arg command "$command_line" --arg programs "$programs" '
    {rows: ., about: $ARGS.named, met: all(.grew_mib < $target)}' "$scratch/exports" >"$json"
  jq --raw-output '(.rows[] | "\(.format): \(.lines) lines, \(.bytes / 1048576 | round) MiB in \(.seconds | round) s, first byte after \(.first_byte * 1000 | round) ms; memory from \(.before / 1024 | round) MiB to at most \(.peak / 1024 | round) MiB: it grew by \(.grew_mib * 10 | round / 10) MiB"),
    "keydesk audit verify: \(.about.events) events in \(.about.verified | round) s",
    "Growth under \(.about.target) MiB: \(if .met then "met" else "missed" end)"' "$json"
  printf 'The figures are in %s\n' "$json"
}
