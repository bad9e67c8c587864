#!/usr/bin/env bash
# Runs the named make targets as the steps of `make test`, times each, and
# closes with the count of tests. A failed step does not stop the later ones,
# save install and build, without which nothing else can be judged.
set -uo pipefail
cd "$(dirname "$0")/.."
make=${MAKE:-make}
counts=build/test
rm -rf "$counts" && mkdir -p "$counts"

steps=() results=() seconds=() broken=()
started=$SECONDS
for step in "$@"; do
	echo
	echo "== $step"
	begin=$SECONDS
	if COUNTS="$counts" "$make" --no-print-directory "$step"; then result=ok; else result=FAILED; fi
	steps+=("$step") results+=("$result") seconds+=($((SECONDS - begin)))
	echo "== $step: $result, $((SECONDS - begin)) s"
	if [[ $result == FAILED ]]; then
		broken+=("$step")
		echo "== to run only this step again: make $step"
		if [[ $step == install || $step == build ]]; then
			echo "== the other steps need this one: stopping here"
			break
		fi
	fi
done

# Each step that counts tests left "passed failed skipped" in a file of its own.
# The race step runs tests that were counted already, so only its failures count.
passed=0 failed=0 skipped=0
for file in "$counts"/*; do
	[[ -f $file ]] || continue
	read -r p f s <"$file"
	failed=$((failed + f))
	[[ $file == */race ]] || { passed=$((passed + p)) skipped=$((skipped + s)); }
done
# A step that failed without a failed test of its own is one failure.
for step in "${broken[@]:+${broken[@]}}"; do
	f=0
	[[ -f $counts/$step ]] && read -r _ f _ <"$counts/$step"
	((f > 0)) || failed=$((failed + 1))
done

echo
echo "steps, in seconds:"
for i in "${!steps[@]}"; do printf '  %-10s %6d  %s\n' "${steps[$i]}" "${seconds[$i]}" "${results[$i]}"; done
printf '  %-10s %6d\n' all $((SECONDS - started))
for step in "${broken[@]:+${broken[@]}}"; do echo "failed: $step; run only that again with: make $step"; done
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
