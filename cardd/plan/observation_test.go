package plan_test

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"strings"
	"testing"

	"jukicard/apdu/profile"
	"jukicard/cardd/plan"
)

func TestParseState(t *testing.T) {
	p := generation1(t)
	for _, row := range []struct {
		name, state string // hex
		want        map[string]plan.ObjectState
		life        byte
	}{
		{"blank", "07", map[string]plan.ObjectState{}, 0x07},
		{"locked", "0F", map[string]plan.ObjectState{}, 0x0F},
		{"a file", "07 03 0001 01 0011", map[string]plan.ObjectState{"text/number": {State: 1, Value: 17}}, 0x07},
		{"a record", "07 05 0001 01 0001", map[string]plan.ObjectState{"common/manufacture": {State: 1, Value: 1}}, 0x07},
		{"a key", "07 01 001A 01 0800", map[string]plan.ObjectState{"jpki/sign-key": {State: 1, Value: 2048}}, 0x07},
		{"a PIN", "07 01 001B 01 0005", map[string]plan.ObjectState{"jpki/sign-pin": {State: 1, Value: 5}}, 0x07},
		{"a blocked PIN", "0F 01 0018 02 0000", map[string]plan.ObjectState{"jpki/auth-pin": {State: 2}}, 0x0F},
		{"a data object", "07 00 00F2 01 0008", map[string]plan.ObjectState{"domain/expiry": {State: 1, Value: 8}}, 0x07},
		{
			"two of one number in two applications", "07 03 0001 01 0011 04 0001 01 0010",
			map[string]plan.ObjectState{"text/number": {State: 1, Value: 17}, "resident/code": {State: 1, Value: 16}}, 0x07,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			seen, err := plan.ParseState(p, cardID, unhex(t, row.state))
			if err != nil {
				t.Fatal(err)
			}
			if !seen.Known || seen.Card != cardID || seen.LifeCycle != row.life || !maps.Equal(seen.Objects, row.want) {
				t.Errorf("got %+v", seen)
			}
		})
	}
}

func TestStatesThatAreNone(t *testing.T) {
	p := generation1(t)
	for _, row := range []struct{ name, state, want string }{
		{"nothing", "", "0 bytes"},
		{"half an entry", "07 03 0001", "4 bytes"},
		{"a byte too many", "07 03 0001 01 0011 00", "8 bytes"},
		{"file of another generation", "07 03 0099 01 0011", "application 3 has no object 0099"},
		{"application of another generation", "07 06 0001 01 0011", "application 6 has no object 0001"},
		{"data object of another generation", "07 00 00F1 01 0011", "application 0 has no object 00F1"},
		{"entry twice", "07 03 0001 01 0011 03 0001 01 0010", "text/number stands twice"},
		{"state of no meaning", "07 03 0001 07 0011", "text/number is in state 07"},
		{"state as made", "07 03 0001 00 0011", "text/number is in state 00"},
		{"more tries than there are", "07 01 001B 01 0006", "jpki/sign-pin has 6 tries left, at most 5"},
		{"a bit too many in the counter", "07 01 001B 01 2005", "jpki/sign-pin has 8197 tries left, at most 5"},
		{"file that is blocked", "07 03 0001 02 0011", "text/number is in state 02"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := plan.ParseState(p, cardID, unhex(t, row.state))
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.HasPrefix(err.Error(), "cannot read the card's state") {
				t.Errorf("got %v, want an error with %q", err, row.want)
			}
		})
	}
}

// TestEveryObjectHasAName: each file, key, reference and data object that the profile
// numbers is found under that number.
func TestEveryObjectHasAName(t *testing.T) {
	p := generation1(t)
	for i, a := range p.Applications {
		numbered := map[profile.FileID]string{}
		for _, f := range a.Files {
			numbered[f.ID] = f.Name
		}
		for _, r := range a.PINs {
			numbered[r.ID] = r.Name
		}
		for _, k := range a.Keys {
			numbered[k.ID] = k.Name
		}
		for id, name := range numbered {
			entry := append(binary.BigEndian.AppendUint16([]byte{0x07, byte(i + 1)}, uint16(id)), 1, 0, 1)
			seen, err := plan.ParseState(p, cardID, entry)
			if err != nil || len(seen.Objects) != 1 || seen.Objects[a.Name+"/"+name].Value != 1 {
				t.Errorf("%s/%s (%s): %v %v", a.Name, name, id, seen.Objects, err)
			}
		}
	}
}

// FuzzParseState: a state that is taken names only what the profile has, each once,
// and can be planned for or is refused as a card. Reference data that is set with all
// its tries is never set again.
func FuzzParseState(f *testing.F) {
	p := generation1(f)
	f.Add([]byte{0x07})
	f.Add([]byte{0x0F, 3, 0, 1, 1, 0, 17, 1, 0, 0x18, 2, 0, 0})
	f.Add([]byte{0x07, 1, 0, 0x1A, 1, 8, 0, 0, 0, 0xF2, 1, 0, 8, 2, 0, 2, 1, 0x13, 0x88})
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, err := plan.ParseState(p, cardID, b)
		if err != nil {
			return
		}
		if len(seen.Objects) != (len(b)-1)/6 || seen.LifeCycle != b[0] {
			t.Fatalf("%d objects of %d bytes", len(seen.Objects), len(b))
		}
		made, err := plan.Build(p, wanted("standard"), seen, plan.Progress{Ours: true}, short)
		if err != nil {
			return
		}
		for _, s := range made.Steps {
			if s.Op != plan.SetPIN {
				continue
			}
			_, ref, err := p.Reference(s.On)
			if err != nil {
				t.Fatal(err)
			}
			if is := seen.Objects[s.On]; is.State == plan.StatePresent && is.Value >= ref.Tries {
				t.Errorf("%s is set with all its tries", s.On)
			}
		}
	})
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
