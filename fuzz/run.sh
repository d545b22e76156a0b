#!/usr/bin/env bash
# Builds the fuzz targets with stable Rust and a C++ compiler, and runs them, with the corpus of this folder, the
# recorded reviews and the configurations of the repository to begin with:
#
#   fuzz/run.sh [TARGET...]
#
# FUZZ_SECONDS=20 runs each for so long; else each gets its share of FUZZ_RUNS (10,000,000). What is found new is kept
# in the folder of the build, and not in the repository. A finding ends it with exit code 1 and the file to repeat it.
set -euo pipefail
cd "$(dirname "$0")/.."

target_dir="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
# Of a thousand runs, what each gets: by how fast it is, so that none takes all the time.
declare -A share=([json]=400 [uid]=250 [pem]=200 [policy]=80 [review]=30 [configuration]=20 [expression]=20)
declare -A flags=(
  [configuration]="-max_len=8192 -dict=fuzz/cel.dict"
  [expression]="-max_len=4200 -dict=fuzz/cel.dict"
  [json]="-max_len=4096"
  [pem]="-max_len=8192"
  [policy]="-max_len=8192"
  [review]="-max_len=32768"
  [uid]="-max_len=16384"
)

seeds() { # TARGET: the folders to begin with, that are not written to
  local folders=("fuzz/corpus/$1")
  case "$1" in
    json | uid | review) folders+=(tests/data/reviews) ;;
    configuration) folders+=(src/config tests/data/cases) ;;
    expression | pem | policy) ;;
  esac
  for folder in "${folders[@]}"; do
    if [[ -d "$folder" ]]; then printf '%s\n' "$folder"; fi
  done
}

command -v c++ >/dev/null || { echo "fuzzing needs a C++ compiler: install g++" >&2; exit 1; }
RUSTC_WRAPPER="$PWD/fuzz/instrument.sh" CARGO_TARGET_DIR="$target_dir" \
  "${CARGO:-cargo}" build --release --locked --manifest-path fuzz/Cargo.toml

read -ra targets <<< "${*:-configuration expression json pem policy review uid}"
for target in "${targets[@]}"; do
  [[ -n "${share[$target]:-}" ]] || { echo "$target is no target; there are: ${!share[*]}" >&2; exit 2; }
  found="$target_dir/corpus/$target"
  mkdir -p "$found" "$target_dir/artifacts/$target"
  if [[ -n "${FUZZ_SECONDS:-}" ]]; then
    bound="-max_total_time=$FUZZ_SECONDS"
  else
    bound="-runs=$((${FUZZ_RUNS:-10000000} * share[$target] / 1000))"
  fi
  mapfile -t folders < <(seeds "$target")
  echo "=== $target $bound"
  # shellcheck disable=SC2086 # several flags
  if ! "$target_dir/release/$target" "$found" "${folders[@]}" "$bound" ${flags[$target]} -timeout=60 -rss_limit_mb=1024 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="$target_dir/artifacts/$target/" > "$target_dir/$target.log" 2>&1; then
    tail -n 40 "$target_dir/$target.log" >&2
    echo "$target failed: the line \"Test unit written to\" above names the file that repeats it" >&2
    exit 1
  fi
  grep -E 'number_of_executed_units|average_exec_per_sec|new_units_added|peak_rss' "$target_dir/$target.log"
done
