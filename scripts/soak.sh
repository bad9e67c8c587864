#!/usr/bin/env bash
# The long tests, one after another; each closes with its line of counts, and all those
# lines stand together at the end. A step that fails does not stop the later ones.
#
#   scripts/soak.sh                the steps below
#   scripts/soak.sh days pairs     those alone
#
#   faults   every single fault, with short commands as with extended, journals on disk
#   days     CARDS (100000) orders on random days from seed SEED (1) on, which replay
#   pairs    two faults on one card: each two at neighbouring commands, PAIRS (20000) drawn
#   kills    the daemon killed at KILLS (200) random moments, up to three times on a card
#   replies  REPLIES (1000000) malformed replies to the whole flow
#   hostile  every trick and lie of a card at every command
#   stores   FLIPS (50) wrong bits in every page of the journal
#   mutants  what protects a card, switched off one at a time
#   race     the packages that start goroutines, TIMES (10) times over
#   fuzz     every fuzz target for SOAKTIME (3m), FUZZJOBS (6) at once: a minute of one core
set -uo pipefail
cd "$(dirname "$0")/.."
make=${MAKE:-make}
kept=$PWD/build/soak
mkdir -p "$kept"
export CGO_ENABLED=1

# program PACKAGE TEST FLAGS... is a test program alone: go test would put a line of its own
# behind the counts.
program() {
	local of=$1 test=$2
	shift 2
	go test -c -o "$kept/$(basename "$of").test" "./$of" &&
		(cd "$of" && "$kept/$(basename "$of").test" -test.run "$test" -test.timeout 0 "$@")
}

run() {
	case $1 in
	faults) program cardd/faults EverySingleFault -faults.full ;;
	days) program cardd/faults RandomDays -faults.cards="${CARDS:-100000}" -faults.seed="${SEED:-1}" -faults.log="$kept/days.log" ;;
	pairs) program cardd/faults PairsOfFaults -faults.pairs="${PAIRS:-20000}" -faults.seed="${SEED:-1}" ;;
	kills) program cardd/kill KillAtRandom -kill.seeds="${KILLS:-200}" ;;
	replies) program cardd/hostile Replies -hostile.replies="${REPLIES:-1000000}" ;;
	hostile) go run ./scripts/testsum -- -timeout 0 ./cardd/hostile -run Every -hostile.stride=1 ;;
	stores) go run ./scripts/testsum -- -timeout 0 ./cardd/stores -stores.flips="${FLIPS:-50}" ;;
	mutants) scripts/mutants.sh ;;
	race) go run ./scripts/testsum -- -race -count "${TIMES:-10}" -vet=off -timeout 0 $("$make" -s --no-print-directory racing) ;;
	fuzz) go run ./scripts/fuzz -time "${SOAKTIME:-3m}" -jobs "${FUZZJOBS:-6}" ;;
	*) echo "soak: there is no step $1" && return 2 ;;
	esac
}

steps=("$@")
((${#steps[@]})) || steps=(faults days pairs kills replies hostile stores mutants race fuzz)
failed=0 lines=()
for step in "${steps[@]}"; do
	echo "== $step"
	begin=$SECONDS
	run "$step" 2>&1 | tee "$kept/$step.txt"
	result=${PIPESTATUS[0]}
	line="$step, $((SECONDS - begin)) s: $(tail -n 1 "$kept/$step.txt")"
	((result == 0)) || { failed=$((failed + 1)) line="FAILED $line"; }
	lines+=("$line")
done

echo
printf '%s\n' "${lines[@]}"
echo "soak: ${#steps[@]} steps, $failed failed"
((failed == 0))
