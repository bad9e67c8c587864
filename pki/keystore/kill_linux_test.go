//go:build cgo

package keystore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu/secret"
)

// killVariable makes the test program one that takes key after key into a store and says
// each when it is in, until it is killed: "file" and a path, or module and token.
const killVariable = "KEYSTORE_TEST_KILLED"

// take is that program.
func take(place string) error {
	s, err := placeOf(place)
	if err != nil {
		return err
	}
	for v := byte(1); v <= VersionMax; v++ {
		k, err := s.Generate(context.Background(), master(v), 32)
		if err != nil {
			return err
		}
		fmt.Printf("%02X %v\n", v, k.KCV)
	}
	return nil
}

func placeOf(place string) (whole, error) {
	kind, rest, _ := strings.Cut(place, "\n")
	if kind == "file" {
		return OpenFile(rest, Unlock{kind: byCredential, secret: secret.New(bytes.Repeat([]byte{0x22}, 32))})
	}
	return openHSM(HSMOptions{Module: kind, Token: rest, PIN: secret.FromString(testPIN)})
}

// TestKilledWhileKeysComeIn kills a process that takes keys in, after its first, second,
// third … and wherever it is by then. Every key that it said was in is there, whole, and
// at most one more; and the store goes on being used.
func TestKilledWhileKeysComeIn(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		for after := 1; after <= 6; after++ {
			path, _ := newFile(t)
			s, err := placeOf("file\n" + path)
			if err != nil {
				t.Fatal(err)
			}
			for v := range masters() {
				if err := s.Destroy(t.Context(), master(v)); err != nil {
					t.Fatal(err)
				}
			}
			killed(t, "file\n"+path, after)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(path + "*"); len(left) > 3 { // the file, its lock, half of a write
				t.Errorf("%v", left)
			}
		}
	})
	t.Run("hsm", func(t *testing.T) {
		for after := 1; after <= 3; after++ {
			o := newToken(t)
			killed(t, o.Module+"\n"+o.Token, after)
		}
	})
}

func killed(t *testing.T, place string, after int) {
	t.Helper()
	said := untilKilled(t, place, after)
	s, err := placeOf(place)
	if err != nil {
		t.Fatalf("killed after key %d: %v", after, err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	keys, err := s.List(t.Context())
	if err != nil || len(keys) < len(said) || len(keys) > len(said)+1 {
		t.Fatalf("killed after key %d: %d were in, %v is: %v", after, len(said), keys, err)
	}
	for i, kcv := range said {
		if keys[i].KCV.String() != kcv || keys[i].Version != byte(i+1) {
			t.Errorf("killed after key %d: %v, want %s", after, keys[i], kcv)
		}
	}
	if _, err := s.Generate(t.Context(), master(VersionMax), 16); err != nil {
		t.Errorf("killed after key %d: %v", after, err)
	}
}

// untilKilled gives the check values of the keys that were said to be in.
func untilKilled(t *testing.T, place string, after int) (said []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killVariable+"="+place)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		version, kcv, _ := strings.Cut(lines.Text(), " ")
		if b, err := hex.DecodeString(version); err != nil || len(b) != 1 || int(b[0]) != len(said)+1 {
			t.Fatalf("the process says %q", lines.Text())
		}
		if said = append(said, kcv); len(said) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.Exited() {
		t.Fatalf("it was not killed: %v", err)
	}
	return said
}
