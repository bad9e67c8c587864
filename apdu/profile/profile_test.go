package profile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestEmbeddedProfilesLoad(t *testing.T) {
	if len(IDs()) == 0 {
		t.Fatal("there are no profiles")
	}
	for _, id := range IDs() {
		c, err := Load(id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if c.ID != id {
			t.Errorf("file %s holds profile %s", id, c.ID)
		}
	}
}

func TestLoadNamesTheProfilesThereAre(t *testing.T) {
	_, err := Load("mynumber-9")
	if err == nil || !strings.Contains(err.Error(), "mynumber-9") || !strings.Contains(err.Error(), "mynumber-1") {
		t.Errorf("error %v, want one that names the wanted and the embedded profiles", err)
	}
}

func TestSourcesAreListed(t *testing.T) {
	c := loadFirst(t)
	for _, f := range c.facts() {
		for name := range strings.SplitSeq(f.fact.Source, ", ") {
			if _, ok := c.Sources[name]; !ok {
				t.Errorf("%s: source %q is not in sources", f.at, name)
			}
		}
	}
}

// edit gives the embedded profile with one change made to its JSON text.
func edit(t *testing.T, old, replacement string) []byte {
	t.Helper()
	b, err := data.ReadFile("data/mynumber-1.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("the profile has no %q", old)
	}
	return bytes.Replace(b, []byte(old), []byte(replacement), 1)
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, old, replacement, want string }{
		{"no id", `"id": "mynumber-1"`, `"id": ""`, "id and version"},
		{"version 0", `"version": 1,`, `"version": 0,`, "id and version"},
		{"an unknown field", `"title":`, `"colour": 1, "title":`, "unknown field"},
		{"hex of odd length", `"aid": "D392F000260100000001"`, `"aid": "D39"`, "hex"},
		{"hex that is none", `"aid": "D392F000260100000001"`, `"aid": "XY"`, "hex"},
		{"hex that is a number", `"aid": "D392F000260100000001"`, `"aid": 5`, "hex digits"},
		{"a file id of one byte", `"id": "0005"`, `"id": "05"`, "4 hex digits"},
		{"a file id that is a number", `"id": "0005"`, `"id": 5`, "hex digits"},
		{"a domain AID too short", `"aid": "A000000151000000"`, `"aid": "A0000001"`, "issuer_domain"},
		{"an AID too long", `"aid": "D392F000260100000001"`, `"aid": "D392F000260100000001D392F000260100"`, "5 to 16"},
		{"command data of 100 bytes", `"command_data": 2048`, `"command_data": 100`, "command_data"},
		{"no source", `"source": "MC, OK, JA"`, `"source": ""`, "source is missing"},
		{"a confidence of ours", `"confidence": "C2", "note": "extended`, `"confidence": "sure", "note": "extended`, `"sure"`},
		{"an application twice", `"name": "surface"`, `"name": "jpki"`, "stands twice"},
		{"a file name twice", `"name": "sign-ca"`, `"name": "sign-cert"`, "stands twice"},
		{"a reference name twice", `"name": "unknown-0010"`, `"name": "auth-pin"`, "stands twice"},
		{"a key name twice", `"name": "sign-key"`, `"name": "auth-key"`, "stands twice"},
		{"a file and a reference of one name", `"name": "presence"`, `"name": "auth-pin"`, "stands twice"},
		{"two files in one EF", `"id": "0005"`, `"id": "0002"`, "both are EF 0002"},
		{"a file and a reference in one EF", `"id": "0005"`, `"id": "0018"`, "both are EF 0018"},
		{"a reference and a key in one EF", `"name": "auth-key", "id": "0017"`, `"name": "auth-key", "id": "0018"`, "both are EF 0018"},
		{"an unknown kind", `"kind": "record"`, `"kind": "linear"`, "linear"},
		{"a file beyond READ BINARY", `"size": 24576`, `"size": 32768`, "32767"},
		{"a record of 256 bytes", `"size": 30`, `"size": 256`, "record has"},
		{"an elastic file without size", `"size": 2048, "elastic"`, `"elastic"`, "elastic"},
		{"a read rule that names nothing", `"read": ["sign-pin"`, `"read": ["signpin"`, `"signpin"`},
		{"a key rule that names nothing", `"use": ["auth-pin"`, `"use": ["authpin"`, `"authpin"`},
		{"no tries", `"tries": 5`, `"tries": 0`, "tries"},
		{"sixteen tries", `"tries": 5`, `"tries": 16`, "tries"},
		{"a length of nothing", `"min_len": 6, "max_len": 16`, `"min_len": 6, "max_len": 5`, "lengths"},
		{"a length beyond 32", `"min_len": 6, "max_len": 16`, `"min_len": 6, "max_len": 33`, "lengths"},
		{"an unknown alphabet", `"alphabet": "upper-alnum"`, `"alphabet": "kana"`, "kana"},
		{"an unknown change", `"change": "key"`, `"change": "often"`, "often"},
		{"messaging by no file", `"key": "session-key"`, `"key": "nothing"`, `"nothing"`},
		{"messaging after no reference", `"after": "pin"`, `"after": "nothing"`, `"nothing"`},
		{"an answer to one byte", `"command": "80A2"`, `"command": "80"`, "2 to 4 bytes"},
		{"an answer of one byte", `"sw": "6A86"`, `"sw": "6A"`, "2 to 4 bytes"},
		{"a domain file of an unknown kind", `"kind": "internal", "content": "unknown to the public", "made": true, "source": "MC", "confidence": "S1", "note": "selectable`, `"kind": "x", "content": "", "source": "MC", "confidence": "S1", "note": "selectable`, "issuer_domain"},
		{"no label", `"label": "JPKIAPICCTOKEN2"`, `"label": ""`, "label"},
		{"a key of an unknown type", `"type": "RSA-2048", "certificate"`, `"type": "RSA-1024", "certificate"`, "P-384, RSA-2048"},
		{"a certificate that is no file", `"certificate": "sign-cert"`, `"certificate": "sign-cart"`, "sign-cart"},
		{"a certificate without a purpose", `"certificate": "sign-cert", "purpose": "signature"`, `"certificate": "sign-cert"`, "belong together"},
		{"an unknown purpose", `"purpose": "signature"`, `"purpose": "seal"`, "seal"},
		{"certificates for ever", `"certificate_birthdays": 5`, `"certificate_birthdays": 11`, "birthdays"},
		{"no renewal", `"renewal_months": 3`, `"renewal_months": 0`, "renewal"},
		{"a face without a layout", `"layout": "mynumber-1"`, `"layout": ""`, "layout"},
		{"a product twice", `"name": "infant"`, `"name": "under15"`, "stands twice"},
		{"a product that omits nothing there is", `"omit": ["jpki/sign-cert"`, `"omit": ["jpki/sign-cart"`, "jpki/sign-cart"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(edit(t, tt.old, tt.replacement))
			if err == nil || !strings.HasPrefix(err.Error(), "cannot ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestAProfileSurvivesItsOwnJSON(t *testing.T) {
	c := loadFirst(t)
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(again)
	if err != nil || !bytes.Equal(b, second) {
		t.Errorf("written twice it differs (%v)", err)
	}
}

func TestLookups(t *testing.T) {
	c := loadFirst(t)
	if a, f, err := c.File("jpki/auth-cert"); err != nil || a.Name != "jpki" || f.ID != 0x000A {
		t.Errorf("file by name: %v %v", f, err)
	}
	if _, f, err := c.File("jpki/000a"); err != nil || f.Name != "auth-cert" {
		t.Errorf("file by identifier: %v %v", f, err)
	}
	if _, r, err := c.Reference("text/pin"); err != nil || r.ID != 0x0011 {
		t.Errorf("reference: %v %v", r, err)
	}
	if _, k, err := c.Key("jpki/sign-key"); err != nil || k.ID != 0x001A {
		t.Errorf("key: %v %v", k, err)
	}
	if n := c.AppIndex("jpki"); n != 1 {
		t.Errorf("jpki is application %d, want 1", n)
	}
	if n := c.AppIndex("none"); n != 0 {
		t.Errorf("an application that is not there is number %d, want 0", n)
	}
	if c.App("none") != nil || c.Product("none") != nil {
		t.Error("what is not there is found")
	}
	if _, ok := c.Object("none"); ok {
		t.Error("an object that is not there is found")
	}
}

func TestLookupsNameWhatIsMissing(t *testing.T) {
	c := loadFirst(t)
	for _, tt := range []struct{ path, want string }{
		{"auth-cert", "AP/NAME"},
		{"none/auth-cert", `no application "none"`},
		{"jpki/none", "in jpki"},
	} {
		_, _, file := c.File(tt.path)
		_, _, reference := c.Reference(tt.path)
		_, _, key := c.Key(tt.path)
		for _, err := range []error{file, reference, key} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("%s: error %v, want one with %q", tt.path, err, tt.want)
			}
		}
	}
}

func TestShortIdentifiers(t *testing.T) {
	for id, want := range map[FileID]byte{0x0000: 0, 0x0001: 1, 0x001E: 30, 0x001F: 0, 0x0101: 0, 0x3F00: 0} {
		if got := id.SFI(); got != want {
			t.Errorf("%v: %d, want %d", id, got, want)
		}
	}
}

// FuzzParse reads profiles; one that is accepted is accepted again as it writes itself.
func FuzzParse(f *testing.F) {
	b, err := data.ReadFile("data/mynumber-1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"id":"x","version":1}`))
	f.Add([]byte(`{"id":"x","version":1,"label":"x","issuer_domain":{"aid":"A000000151"},"limits":{"command_data":255,"source":"x","confidence":"C2"},"terms":{"certificate_birthdays":5,"renewal_months":3,"source":"x","confidence":"C2"},"face":{"layout":"x","source":"x","confidence":"C2"},"writing":{"source":"x","confidence":"C2"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			return
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(out); err != nil {
			t.Fatalf("its own JSON is refused: %v", err)
		}
	})
}
