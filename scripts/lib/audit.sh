# The secret audit: no plaintext that a test came to know may stand in a database or a log that it left.
#
# Each step has a folder, handed to its tests as KEYDESK_SECRET_AUDIT. They append every secret, password, session id
# and JWT, one a line, to the file `plaintexts` there, and make their databases and logs under `kept`.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/test works in}"

# Prints the audit folder of a step, made if need be.
audit_folder() {
  mkdir -p "$scratch/audit/$1/kept"
  printf '%s\n' "$scratch/audit/$1"
}

# Looks through what the steps named left behind. What is found is named by file: to print it would leak it once more.
audit_secrets() {
  local step folder found status=0 places=()
  : >"$scratch/audit/plaintexts"
  for step in "$@"; do
    folder=$(audit_folder "$step")
    if [[ ! -s $folder/plaintexts ]]; then
      printf '%s: no test noted a plaintext, so there was nothing to look for\n' "$step"
      status=1
      continue
    fi
    grep . "$folder/plaintexts" >>"$scratch/audit/plaintexts"
    places+=("$folder/kept")
    if [[ $step == postgres ]]; then
      places+=("$scratch/postgres")
    elif [[ -z $(find "$folder/kept" -type f -size +0 -print -quit) ]]; then
      printf '%s: no test kept a database or a log, so there was nowhere to look\n' "$step"
      status=1
    fi
  done
  if ((${#places[@]} == 0)); then
    return 1
  fi

  sort --unique --output="$scratch/audit/plaintexts" "$scratch/audit/plaintexts"
  found=$(files_with --fixed-strings --file="$scratch/audit/plaintexts" -- "${places[@]}") || return 1
  if [[ -n $found ]]; then
    printf 'A plaintext stands in\n%s\n' "$found"
    status=1
  fi
  # Whatever has the shape of a secret or a JWT, noted or not. Only in logs: in a database file, a prefix and the hash
  # that happens to follow it have the same shape.
  found=$(files_with --extended-regexp --include='*.log' \
    --regexp='kd_(live|test)_[0-9A-Za-z]{49}' --regexp='eyJ[0-9A-Za-z_-]{8,}\.eyJ' -- "${places[@]}") || return 1
  if [[ -n $found ]]; then
    printf 'What looks like a secret stands in\n%s\n' "$found"
    status=1
  fi
  printf '%s plaintexts were looked for in %s files\n' \
    "$(wc -l <"$scratch/audit/plaintexts")" "$(find "${places[@]}" -type f | wc -l)"
  return "$status"
}

# Prints the files that match; unlike grep, succeeds when there are none and fails only when it could not look.
files_with() {
  grep --recursive --text --files-with-matches "$@" || (($? == 1))
}
