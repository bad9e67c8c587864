package content

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestSizes are those of the card fact sheet and of the profile's layouts.
func TestSizes(t *testing.T) {
	s := source(t, "standard")
	b := book(t, s)
	for path, want := range map[string]int{
		"text/number": 17, "text/signature": 336, "text/cv-cert": 568, "text/card-key-cert": 536,
		"surface/birth": 547, "surface/basic": 320, "surface/cv-cert": 568,
		"jpki/presence": 3, "resident/code": 16, "common/manufacture": 30,
		"domain/municipality": 5, "domain/expiry": 8,
	} {
		t.Run(path, func(t *testing.T) {
			if got := len(bytesOf(t, b, path)); got != want {
				t.Errorf("%d bytes, want %d", got, want)
			}
			if _, f, err := s.Profile.File(path); err == nil && f.Size != want && !f.Elastic {
				t.Errorf("the profile's file has %d bytes", f.Size)
			}
		})
	}
}

// TestPlainContents are shown whole: they hold nothing that is drawn or signed.
func TestPlainContents(t *testing.T) {
	b := book(t, source(t, "standard"))
	var out strings.Builder
	for _, path := range []string{"text/number", "text/attributes", "resident/code", "common/manufacture", "jpki/presence", "domain/municipality", "domain/expiry"} {
		fmt.Fprintf(&out, "%s\n%s\n", path, hex.Dump(bytesOf(t, b, path)))
	}
	path := filepath.Join("testdata", "plain.txt")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("%s differs; rewrite it with -update and read the difference\n%s", path, out.String())
	}
}

// TestPresence marks the certificates the card carries.
func TestPresence(t *testing.T) {
	for _, row := range []struct {
		name, product string
		with          Certificates
		want          string
	}{
		{"both", "standard", Certificates{true, true}, "8f8f00"},
		{"only 利用者証明用", "standard", Certificates{false, true}, "008f00"},
		{"only 署名用", "standard", Certificates{true, false}, "8f0000"},
		{"neither", "standard", Certificates{}, "000000"},
		{"under 15, whatever is asked for", "under15", Certificates{true, true}, "008f00"},
		{"顔認証", "face-auth", Certificates{true, true}, "008f00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := source(t, row.product)
			s.Certificates = row.with
			if got := hex.EncodeToString(bytesOf(t, empty(t, s), "jpki/presence")); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// TestWantedLengthsAreTheLaterOnes: what is planned before there are keys and
// certificates has the length that comes out when they are there; what waits for
// nothing has its digest already.
func TestWantedLengthsAreTheLaterOnes(t *testing.T) {
	digestKey := []byte("key of a job")
	for _, product := range []string{"standard", "under15", "infant", "face-auth"} {
		t.Run(product, func(t *testing.T) {
			s := source(t, product)
			files, objects, err := empty(t, s).Wanted(t.Context(), digestKey)
			if err != nil {
				t.Fatal(err)
			}
			later := book(t, s)
			for _, c := range slices.Concat(files, objects) {
				made := bytesOf(t, later, c.On)
				if len(made) != c.Length {
					t.Errorf("%s: %d bytes were planned, %d came", c.On, c.Length, len(made))
				}
				switch {
				case (c.After == "") != (c.Digest != ""):
					t.Errorf("%s waits for %q and has digest %q", c.On, c.After, c.Digest)
				case c.Digest != "" && c.Digest != plan.Digest(digestKey, made):
					t.Errorf("%s: another digest came", c.On)
				}
			}
		})
	}
}

// TestWantedIsWhatTheProfileHas: every file that is written at issue is wanted, but
// for what the product omits and certificates nobody asked for; and it can be planned.
func TestWantedIsWhatTheProfileHas(t *testing.T) {
	for _, row := range []struct {
		product string
		with    Certificates
		without []string
	}{
		{"standard", Certificates{true, true}, nil},
		{"standard", Certificates{false, true}, []string{"jpki/sign-cert"}},
		{"standard", Certificates{}, []string{"jpki/sign-cert", "jpki/auth-cert"}},
		{"infant", Certificates{true, true}, []string{"jpki/sign-cert"}},
	} {
		t.Run(fmt.Sprint(row.product, row.with), func(t *testing.T) {
			s := source(t, row.product)
			s.Certificates = row.with
			files, objects, err := empty(t, s).Wanted(t.Context(), []byte("key"))
			if err != nil {
				t.Fatal(err)
			}
			want := writable(s)
			for _, path := range row.without {
				delete(want, path)
			}
			got := map[string]bool{}
			for _, c := range slices.Concat(files, objects) {
				got[c.On] = true
			}
			if !maps.Equal(got, want) {
				t.Errorf("wanted are %v, the profile writes %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
		})
	}
}

// writable are all objects the profile says are written through the channel.
func writable(s Source) map[string]bool {
	paths := map[string]bool{}
	for _, a := range s.Profile.Applications {
		for _, f := range a.Files {
			if len(f.Write) > 0 {
				paths[a.Name+"/"+f.Name] = true
			}
		}
	}
	for _, o := range s.Profile.Domain.Objects {
		if len(o.Write) > 0 {
			paths["domain/"+o.Name] = true
		}
	}
	return paths
}

// TestErrLater: each content that waits says so, with the step it waits for, until
// that has come; and Wanted leaves the book as it was.
func TestErrLater(t *testing.T) {
	s := source(t, "standard")
	b := empty(t, s)
	files, _, err := b.Wanted(t.Context(), []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	come := map[string]func(){
		"certify jpki/sign-cert":    func() { b.SetCertificate("jpki/sign-cert", []byte{0x30}) },
		"certify jpki/auth-cert":    func() { b.SetCertificate("jpki/auth-cert", []byte{0x30}) },
		"read-key surface/card-key": func() { b.SetKey("surface/card-key", &keys()[2].PublicKey) },
		"read-key text/card-key":    func() { b.SetKey("text/card-key", &keys()[2].PublicKey) },
	}
	waiting := 0
	for _, c := range files {
		if c.After == "" {
			continue
		}
		waiting++
		if _, err := b.Bytes(t.Context(), c.On); !errors.Is(err, ErrLater) {
			t.Errorf("%s before %s: %v", c.On, c.After, err)
		}
	}
	if waiting != 6 {
		t.Errorf("%d contents wait, want 6", waiting)
	}
	for step, f := range come {
		f()
		for _, c := range files {
			if _, err := b.Bytes(t.Context(), c.On); c.After == step && err != nil {
				t.Errorf("%s after %s: %v", c.On, step, err)
			}
		}
	}
	if b.Key("surface/card-key") == nil || b.Key("jpki/auth-key") != nil {
		t.Error("the book knows other keys than it was told")
	}
}

// TestSourcesThatCannotBeUsed are refused with the field's name and nothing of its value.
func TestSourcesThatCannotBeUsed(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Source)
		want   string
	}{
		{"card number too short", func(s *Source) { s.CardID = "99990000000001" }, "does not end in 15 digits"},
		{"card number of letters", func(s *Source) { s.CardID = "0999A00000000017" }, "does not end in 15 digits"},
		{"個人番号 of 11 digits", func(s *Source) { s.Person.MyNumber = "99999999999" }, "個人番号 is not 12 digits"},
		{"個人番号 in full width", func(s *Source) { s.Person.MyNumber = "９９９９" }, "個人番号 is not 12 digits"},
		{"住民票コード of 12 digits", func(s *Source) { s.Person.ResidentCode = "999999999999" }, "住民票コード is not 11 digits"},
		{"birth date with hyphens", func(s *Source) { s.Person.Birth = "1980-2-7" }, "birth date is not 8 digits"},
		{"sex in words", func(s *Source) { s.Person.Sex = "男" }, "sex is not 1 digits"},
		{"no expiry", func(s *Source) { s.Person.Expiry = "" }, "card expiry is not 8 digits"},
		{"municipality with a check digit", func(s *Source) { s.Person.Municipality = "132217" }, "municipality is not 5 digits"},
		{"no name", func(s *Source) { s.Person.Name = "" }, "氏名 is empty or not UTF-8"},
		{"address in another encoding", func(s *Source) { s.Person.Address = "\x93\x8c\x8b\x9e" }, "住所 is empty or not UTF-8"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := source(t, "standard")
			row.change(&s)
			_, err := New(s)
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.HasPrefix(err.Error(), "cannot ") {
				t.Fatalf("got %v, want an error with %q", err, row.want)
			}
			for _, value := range []string{"9999", "９", "1980", "\x93"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("%q shows data of the resident", err)
				}
			}
		})
	}
}

// TestWhatComesFromOthersMayFail: a seal, a CA or a name that is not there.
func TestWhatComesFromOthersMayFail(t *testing.T) {
	gone := errors.New("the seal is gone")
	s := source(t, "standard")
	s.Sealer = sealer{broken: gone}
	b := book(t, s)
	for _, path := range []string{"surface/birth", "surface/face", "surface/basic", "surface/cv-cert", "surface/number", "text/signature", "text/cv-cert", "text/card-key-cert"} {
		if _, err := b.Bytes(t.Context(), path); !errors.Is(err, gone) {
			t.Errorf("%s without a seal: %v", path, err)
		}
	}
	if _, _, err := b.Wanted(t.Context(), []byte("key")); !errors.Is(err, gone) || !strings.Contains(err.Error(), "cannot make content for surface/") {
		t.Errorf("wanted without a seal: %v", err)
	}
	s = source(t, "standard")
	s.CA = nil
	if _, err := book(t, s).Bytes(t.Context(), "jpki/sign-ca"); err == nil || !strings.Contains(err.Error(), "the authority gave none") {
		t.Errorf("without a CA: %v", err)
	}
	if _, err := b.Bytes(t.Context(), "text/nothing"); err == nil || !strings.Contains(err.Error(), "nothing is known of it") {
		t.Errorf("of no name: %v", err)
	}
}

// TestNothingOfAPersonIsPrinted whatever the verb.
func TestNothingOfAPersonIsPrinted(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out := fmt.Sprintf(verb+verb+verb, holder, &holder, pictures)
		if strings.Contains(out, holder.MyNumber) || strings.Contains(out, "幹") || bytes.Contains([]byte(out), []byte("706070")) || strings.Contains(out, "9980") {
			t.Errorf("%s shows %s", verb, out)
		}
	}
}
