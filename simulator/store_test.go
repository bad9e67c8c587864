package simulator

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
)

// keptCard is a blank card with a state file.
func keptCard(t *testing.T) (*Card, string) {
	t.Helper()
	o := options()
	o.StateFile = filepath.Join(t.TempDir(), "card.state")
	return newBlank(t, o), o.StateFile
}

func load(t *testing.T, path string) *Card {
	t.Helper()
	c, err := Load(path, options())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fileInfo(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestAKeptCardIsTheSameAfterEveryChange(t *testing.T) {
	c, path := keptCard(t)
	want(t, c, selectAP(aidJPKI), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	commands := []apdu.Command{
		{INS: apdu.INSUpdateBinary, P1: 0x8A, Data: certificate(200, 1)},
		{INS: apdu.INSUpdateBinary, P2: 200, Data: []byte("more")},
		{INS: apdu.INSUpdateBinary, P1: 0x88, Data: []byte{0x8F, 0x8F, 0}},
		{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x98, Data: []byte(authPIN)},
		{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x9B, Data: []byte(signPIN)},
		generate(0x17),
	}
	for _, command := range commands {
		send(t, s, command)
		if got := load(t, path).snapshot(); !reflect.DeepEqual(got, c.snapshot()) {
			t.Fatalf("after %v the file holds another card", command)
		}
	}
	c.PowerOff()
	want(t, c, selectAP(aidJPKI), "9000")
	want(t, c, verifyAPDU(0x18, "0000"), "63C2")
	kept := load(t, path)
	want(t, kept, selectAP(aidJPKI), "9000")
	want(t, kept, "00200098", "63C2")
	want(t, kept, verifyAPDU(0x18, authPIN), "9000")
	want(t, kept, "00B08A00000000", strings.ToUpper(hexOf(certificate(200, 1))+hexOf([]byte("more")))+"9000")
}

func TestAnIssuedCardSurvivesAndStaysSmall(t *testing.T) {
	c, path := keptCard(t)
	issue(t, c, c.profile.Product("standard"))
	if got := load(t, path).snapshot(); !reflect.DeepEqual(got, c.snapshot()) {
		t.Fatal("the file holds another card")
	}
	appended := fileInfo(t, path).Size()
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	saved := fileInfo(t, path).Size()
	if saved >= appended || saved > 100_000 {
		t.Errorf("saved file has %d bytes, appended %d, wanted less and at most 100000", saved, appended)
	}
	if got := load(t, path).snapshot(); !reflect.DeepEqual(got, c.snapshot()) {
		t.Error("the saved file holds another card")
	}
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	c, path := keptCard(t)
	if mode := fileInfo(t, path).Mode(); mode != 0o600 {
		t.Errorf("mode %v, want 0600", mode)
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the state file alone", entries, err)
	}
}

func TestReadingDoesNotTouchTheFile(t *testing.T) {
	c, path := keptCard(t)
	before := fileInfo(t, path)
	for _, command := range []string{
		selectAP(aidJPKI), "00B0860010", "00200098", "00200098" + "0431323334", "0084000008", selectAP(aidText),
		"802A00000101" + "00", "00A4040000", "80CA006600", "00CADF7000",
	} {
		say(c, command)
	}
	c.PowerOff()
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	load(t, path)
	after := fileInfo(t, path)
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) || before.Size() != after.Size() {
		t.Error("the state file was written")
	}
}

func TestAnUnfinishedLastLineWasNeverAcknowledged(t *testing.T) {
	c, path := keptCard(t)
	want(t, c, selectAP(aidJPKI), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	before := c.snapshot()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x8A, Data: []byte("0123456789")})
	longer, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(data); cut < len(longer); cut++ {
		if err := os.WriteFile(path, longer[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		torn := load(t, path)
		if !reflect.DeepEqual(torn.snapshot(), before) {
			t.Fatalf("cut at %d: not the card from before", cut)
		}
		if _, err := torn.store.keep(change{Op: opTries, On: "jpki/auth-pin", N: 1}); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got := load(t, path); find(got, "jpki/auth-pin").reference.left != 1 {
			t.Fatalf("cut at %d: the next change is lost", cut)
		}
	}
}

// find is the EF of a path.
func find(c *Card, path string) *element { return c.find(path, func(*element) bool { return true }) }

func TestACardThatCannotKeepAChangeRefusesIt(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
	}{
		{"the file is gone", func(t *testing.T, path string) { must(t, os.Remove(path)) }},
		{"another card wrote to it", func(t *testing.T, path string) {
			other := load(t, path)
			if _, err := other.store.keep(change{Op: opLife, N: 7}); err != nil {
				t.Fatal(err)
			}
		}},
		{"it is a folder", func(t *testing.T, path string) { must(t, errors.Join(os.Remove(path), os.Mkdir(path, 0o700))) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, path := keptCard(t)
			want(t, c, selectAP(aidJPKI), "9000")
			s := openChannel(t, c, scp03.LevelFull)
			tt.spoil(t, path)
			before := c.snapshot()
			refuse(t, s, apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x8A, Data: []byte{1}}, apdu.SWMemoryFailure)
			refuse(t, s, generate(0x17), apdu.SWMemoryFailure)
			refuse(t, s, apdu.Command{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x98, Data: []byte(authPIN)}, apdu.SWMemoryFailure)
			if !reflect.DeepEqual(c.snapshot(), before) {
				t.Error("the card changed all the same")
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWrongPINIsCountedBeforeTheAnswer(t *testing.T) {
	c, path := keptCard(t)
	want(t, c, selectAP(aidJPKI), "9000")
	send(t, openChannel(t, c, scp03.LevelFull), apdu.Command{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x98, Data: []byte(authPIN)})
	c.PowerOff()
	want(t, c, selectAP(aidJPKI), "9000")
	must(t, os.Remove(path))
	want(t, c, verifyAPDU(0x18, "0000"), "6581")
	want(t, c, "00200098", "63C3")
}

func TestTheFileIsFoldedWhenItGrows(t *testing.T) {
	c, path := keptCard(t)
	want(t, c, selectAP(aidSurface), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	update := apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x82, Data: make([]byte, 1900), Ne: 0}
	largest := int64(0)
	for i := range 600 {
		update.Data[0] = byte(i)
		send(t, s, update)
		largest = max(largest, fileInfo(t, path).Size())
	}
	if largest > compactAt+10_000 || largest < compactAt/2 {
		t.Errorf("the file grew to %d bytes, it is folded at %d", largest, compactAt)
	}
	if got := load(t, path).snapshot(); !reflect.DeepEqual(got, c.snapshot()) {
		t.Error("the file holds another card")
	}
}

func TestVolatileStateIsNotInTheFile(t *testing.T) {
	c, path := keptCard(t)
	issue(t, c, c.profile.Product("standard"))
	want(t, c, selectAP(aidText), "9000")
	want(t, c, verifyAPDU(0x11, textPIN), "9000")
	want(t, c, "00B0810001", "FF9000")
	kept := load(t, path)
	want(t, kept, "00B0810001", "6A82")
	want(t, kept, selectAP(aidText), "9000")
	want(t, kept, "00B0810001", "6982")
}

func TestLoadRefuses(t *testing.T) {
	const head = `{"format":"jukicard simulated card 1","profile":"mynumber-1","card_id":"0999000000000017"}` + "\n"
	tests := []struct{ name, file, want string }{
		{"nothing", "", "first line"},
		{"another format", `{"format":"other"}` + "\n", "first line"},
		{"no line end", strings.TrimSuffix(head, "\n"), "first line"},
		{"an unknown generation", strings.Replace(head, "mynumber-1", "mynumber-9", 1), "mynumber-9"},
		{"no JSON", head + "x\n", "line 2"},
		{"an unknown operation", head + `{"op":"burn"}` + "\n", `"burn" is unknown`},
		{"an unknown file", head + `{"op":"write","on":"jpki/nothing"}` + "\n", "jpki/nothing"},
		{"a file too short", head + `{"op":"write","on":"jpki/presence","at":2,"data":"AAAA"}` + "\n", "does not fit"},
		{"a negative offset", head + `{"op":"write","on":"jpki/presence","at":-1}` + "\n", "does not fit"},
		{"a write on records", head + `{"op":"write","on":"common/manufacture"}` + "\n", "does not fit"},
		{"a record that is not there", head + `{"op":"record","on":"common/manufacture","at":2}` + "\n", "does not fit"},
		{"more tries than there are", head + `{"op":"tries","on":"jpki/auth-pin","n":4}` + "\n", "does not fit"},
		{"no reference", head + `{"op":"reference","on":"jpki/presence"}` + "\n", "does not fit"},
		{"no key", head + `{"op":"key","on":"jpki/auth-key","data":"AAAA"}` + "\n", "key of"},
		{"no object", head + `{"op":"object","on":"1234"}` + "\n", "does not fit"},
		{"keys of no length", head + `{"op":"put-keys","n":1,"data":"AAAA"}` + "\n", "does not fit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "card.state")
			must(t, os.WriteFile(path, []byte(tt.file), 0o600))
			_, err := Load(path, Options{})
			if err == nil || !strings.HasPrefix(err.Error(), "cannot load card") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none"), Options{}); err == nil {
		t.Error("a missing file loads")
	}
}

func TestLoadInsistsOnAGeneration(t *testing.T) {
	_, path := keptCard(t)
	p, err := profile.Load(DefaultProfile)
	must(t, err)
	p.ID = "another"
	if _, err := Load(path, Options{Profile: p}); err == nil || !strings.Contains(err.Error(), "wanted another") {
		t.Errorf("error %v, want one that names both generations", err)
	}
}
