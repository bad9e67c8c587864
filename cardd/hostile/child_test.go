package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"
)

// What a parent tells a child by its environment: what to do, and where the applicant
// lies that the parent has made.
const (
	envRole      = "HOSTILE_TEST_ROLE"
	envApplicant = "HOSTILE_TEST_APPLICANT"
)

// The roles of a child.
const (
	roleHonest  = "honest cards"
	roleHostile = "hostile cards"
)

var roles = map[string]func() error{roleHonest: honestCards, roleHostile: hostileCards}

// honestCardsMost is how many cards an honest child issues: so many that its memory has
// stopped growing.
const honestCardsMost = 8

// collected has the collector work where memory would otherwise be left lying near the
// limit: what counts is what cards make a process need, not when it is swept up on a busy
// machine. What is in use counts all the same.
func collected() { debug.SetMemoryLimit(memoryMax * 3 / 4) }

// honestCards issues some: what it takes is what hostile cards are measured by.
func honestCards() error {
	collected()
	y := &tally{}
	for _, short := range []bool{false, true} {
		s, err := openStage(context.Background(), short)
		if err != nil {
			return err
		}
		for range honestCardsMost {
			real := s.twin()
			out := s.try(context.Background(), real, real, false, 0)
			if !out.done() || len(out.wrong) > 0 {
				return fmt.Errorf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
			}
			y.Cards++
		}
		if err := s.close(); err != nil {
			return err
		}
	}
	return y.tell()
}

// tell hands a child's counts to its parent.
func (y *tally) tell() (err error) {
	if y.Memory, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(y)
}

// technicianAnswers is how many answers a technician's commands get for each malformed
// reply that the flow gets: a card layer alone is so much quicker.
const technicianAnswers = 40

// technicianMost bounds them.
const technicianMost = 10_000_000

func hostileCards() error {
	collected()
	y, err := storm(context.Background(), *seed, *repliesWanted)
	if err != nil {
		return err
	}
	y.Technician, y.Grown, err = technicians(context.Background(), *seed, min(technicianAnswers**repliesWanted, technicianMost))
	if err != nil {
		y.Wrong = append(y.Wrong, err.Error())
	}
	return y.tell()
}

// inChild plays a role in a process of its own.
func inChild(t *testing.T, role string) (said *tally) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-hostile.replies="+strconv.Itoa(*repliesWanted), "-hostile.seed="+strconv.FormatUint(*seed, 10))
	cmd.Env = append(os.Environ(), envRole+"="+role, envApplicant+"="+left(t))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatalf("%s: %v\n%s", role, err, out.Bytes())
	}
	return said
}

// left lays the applicant down for a child, pictures drawn.
func left(t *testing.T) string {
	t.Helper()
	s := newStage(t, false) // whose first card has the pictures drawn
	a := s.applicant
	a.Chip = s.faces.chip
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "applicant")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
