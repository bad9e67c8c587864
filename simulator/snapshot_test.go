package simulator

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

func TestACloneIsTheSameCardAndLivesAlone(t *testing.T) {
	issued := newIssued(t, "standard")
	issued.sequence = 17
	before := issued.Snapshot()
	twin := clone(t, issued, options())
	if !bytes.Equal(twin.Snapshot(), before) {
		t.Fatal("the clone is another card")
	}
	want(t, twin, selectAP(aidJPKI), "9000")
	want(t, twin, verifyAPDU(0x18, "0000"), "63C2")
	send(t, openChannel(t, twin, scp03.LevelFull), apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x8A, Data: []byte("other")})
	if !bytes.Equal(issued.Snapshot(), before) {
		t.Error("what is done to the clone is done to the card")
	}
}

func TestACloneHasNoSession(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidText), "9000")
	want(t, c, verifyAPDU(0x11, textPIN), "9000")
	twin := clone(t, c, options())
	want(t, twin, "00B0810001", "6A82")
	want(t, twin, selectAP(aidText), "9000")
	want(t, twin, "00B0810001", "6982")
	if bytes.Equal(twin.ATR(), nil) || !bytes.Equal(twin.ATR(), c.ATR()) {
		t.Errorf("answer to reset %X, want %X", twin.ATR(), c.ATR())
	}
}

func TestACloneKeepsItsChallengesLong(t *testing.T) {
	o := options()
	o.S16 = true
	twin := clone(t, newBlank(t, o), options())
	openChannel(t, twin, scp03.LevelFull) // as long as the card's own
	if len(twin.Process(mustHex("8050000010000102030405060708090A0B0C0D0E0F00"))) < 45 {
		t.Error("the clone speaks with 8 bytes")
	}
}

func TestASnapshotIsTheStateFile(t *testing.T) {
	c, path := keptCard(t)
	issue(t, c, c.profile.Product("standard"))
	must(t, c.Save())
	file, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(file, c.Snapshot()) {
		t.Error("snapshot and file differ")
	}
	kept := filepath.Join(t.TempDir(), "restored.state")
	restored, err := Restore(c.Snapshot(), Options{StateFile: kept})
	must(t, err)
	if !bytes.Equal(restored.Snapshot(), file) || !bytes.Equal(load(t, kept).Snapshot(), file) {
		t.Error("the restored card is another")
	}
}

func TestAClonesFileIsItsOwn(t *testing.T) {
	c, path := keptCard(t)
	o := options()
	o.StateFile = filepath.Join(t.TempDir(), "twin.state")
	twin := clone(t, c, o)
	want(t, twin, selectAP(aidJPKI), "9000")
	send(t, openChannel(t, twin, scp03.LevelFull), apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x8A, Data: []byte("other")})
	if !bytes.Equal(load(t, o.StateFile).Snapshot(), twin.Snapshot()) || bytes.Equal(load(t, path).Snapshot(), twin.Snapshot()) {
		t.Error("the file is not the clone's, or it is the card's too")
	}
	o.StateFile = filepath.Join(path, "below a file")
	if _, err := c.Clone(o); err == nil {
		t.Error("a clone is kept where nothing can be")
	}
}

func TestRestoreRefuses(t *testing.T) {
	good := string(blank(t).Snapshot())
	tests := []struct {
		name, snapshot string
		want           error
	}{
		{"nothing", "", nil},
		{"another generation", strings.Replace(good, "mynumber-1", "mynumber-9", 1), nil},
		{"a change that does not fit", good + `{"op":"life","n":"x"}` + "\n", nil},
	}
	for _, tt := range tests {
		if _, err := Restore([]byte(tt.snapshot), options()); err == nil || !strings.HasPrefix(err.Error(), "cannot restore card") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
	o := options()
	o.StateFile = filepath.Join(t.TempDir(), "no folder", "card.state")
	if _, err := Restore([]byte(good), o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that there is no folder", err)
	}
}

// BenchmarkNewBlank is a card from the pool, where nothing but its number is new.
func BenchmarkNewBlank(b *testing.B) {
	testKeys()
	b.ReportAllocs()
	for b.Loop() {
		newBlank(b, options())
	}
}

func BenchmarkClone(b *testing.B) {
	c := newIssued(b, "standard")
	o := options()
	b.ReportAllocs()
	for b.Loop() {
		clone(b, c, o)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	c := newIssued(b, "standard")
	b.ReportAllocs()
	for b.Loop() {
		c.Snapshot()
	}
}

// BenchmarkIssue is a whole product written through the channel, host's work included,
// with keys from a pool and without the signatures of certificate requests.
func BenchmarkIssue(b *testing.B) {
	c := blank(b)
	o := options()
	for b.Loop() {
		b.StopTimer()
		twin := clone(b, c, o)
		b.StartTimer()
		issue(b, twin, twin.profile.Product("standard"))
	}
}
