# Everything that has a bound, one measurement after the other: one table and one file.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${json:?}" "${part:?}" "${rounds:?}" "${seconds:?}"

bench_all() {
  local one small=()
  ((part == 1)) || small=(--small)
  for one in gate desk pages keys flood; do
    printf '\n== %s\n' "$one"
    if [[ $one == flood ]]; then
      small=()
    fi
    # A bound that is missed is told, and stops nothing.
    scripts/bench "$one" --rounds "$rounds" --seconds "$seconds" --json "$scratch/$one.json" "${small[@]}"
  done
  mkdir -p "$(dirname "$json")"
  jq --null-input --arg command "$command_line" --arg at "$(date --utc +%FT%TZ)" \
    --arg commit "$(git describe --always --dirty --abbrev=12)" --argjson cores "$(nproc)" \
    --argjson binary "$(stat --format=%s target/release/keydesk)" \
    --slurpfile gate "$scratch/gate.json" --slurpfile desk "$scratch/desk.json" --slurpfile pages "$scratch/pages.json" \
    --slurpfile keys "$scratch/keys.json" --slurpfile flood "$scratch/flood.json" --from-file scripts/lib/all.jq >"$json"
  printf '\n'
  jq --raw-output '["Of|Row|Found|Target|"] + (.rows
    | map([.of, .row, .found, .target // "", if .met == null then "" elif .met then "met" else "MISSED" end] | join("|")))
    | .[]' "$json" | column --table --separator '|'
  printf '\nThe figures are in %s\n' "$json"
}
