package plan_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"jukicard/cardd/plan"
)

// TestDigestStays: the digest is what approvers sign and journals are bound to. When
// this golden changes, every plan ever signed changes with it.
func TestDigestStays(t *testing.T) {
	made := build(t, wanted("standard"), blankCard(generation1(t)), plan.Progress{}, extended)
	b, err := json.MarshalIndent(made, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "adult-extended.json", string(b)+"\n")
	golden(t, "adult-extended.digest", made.Digest()+"\n")
	again, err := plan.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != made.Digest() {
		t.Error("the digest depends on how the plan was written")
	}
}

// TestDigestTellsPlansApart: any change of a step is another digest.
func TestDigestTellsPlansApart(t *testing.T) {
	p := generation1(t)
	seen := map[string]string{}
	for name, change := range map[string]func(*plan.Order){
		"as it is":        func(*plan.Order) {},
		"another order":   func(o *plan.Order) { o.ID = "LAB-2026-0002" },
		"another content": func(o *plan.Order) { o.Files[10].Digest = plan.Digest([]byte("key"), []byte("other")) },
		"another length":  func(o *plan.Order) { o.Files[6].Length++ },
		"another secret":  func(o *plan.Order) { o.References[0].Secret = "pin:text" },
		"not printed":     func(o *plan.Order) { o.Print = false },
	} {
		o := wanted("standard")
		change(&o)
		digest := build(t, o, blankCard(p), plan.Progress{}, short).Digest()
		if other, twice := seen[digest]; twice {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}

// TestContentDigest is keyed: the same content under another key is another digest,
// and it is not the bare hash that twelve digits could be found from.
func TestContentDigest(t *testing.T) {
	number := []byte("999999999999")
	got := plan.Digest([]byte("key"), number)
	const want = "7488d85a7ef75dbf0debf01920b15a19" // openssl dgst -sha256 -hmac key, cut to 16 bytes
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got == plan.Digest([]byte("other"), number) || len(got) != 2*plan.DigestLen {
		t.Error("the key does not count, or the length is wrong")
	}
}

// TestPlansNoExecutorMayCarryOut are refused by Check, and by Parse with it.
func TestPlansNoExecutorMayCarryOut(t *testing.T) {
	index := func(p *plan.Plan, id string) int {
		for i, s := range p.Steps {
			if s.ID == id {
				return i
			}
		}
		t.Fatalf("no step %q", id)
		return -1
	}
	change := func(id string, f func(*plan.Step)) func(*plan.Plan) {
		return func(p *plan.Plan) { f(&p.Steps[index(p, id)]) }
	}
	for _, row := range []struct {
		name   string
		change func(*plan.Plan)
		want   string
	}{
		{"version of tomorrow", func(p *plan.Plan) { p.Version = 2 }, "version 2 is not known"},
		{"unknown operation", change("lock domain", func(s *plan.Step) { s.Op, s.ID = "erase", "erase domain" }), `operation "erase" is not known`},
		{"step twice", func(p *plan.Plan) { p.Steps = append(p.Steps, p.Steps[len(p.Steps)-1]) }, "stands twice"},
		{"step under another's name", change("update text/number", func(s *plan.Step) { s.On = "text/attributes" }), `the ID of update on "text/attributes"`},
		{"step on nothing", change("print face", func(s *plan.Step) { s.On, s.ID = "", "print " }), "the ID of print"},
		{"step in another's channel", func(p *plan.Plan) {
			i := index(p, "open text")
			p.Steps = append(p.Steps[:i:i], p.Steps[i+1:]...)
		}, `works on "text/card-key" while the channel is open on "surface"`},
		{"write behind the lock", func(p *plan.Plan) {
			p.Steps = append(p.Steps, plan.Step{ID: "put domain/expiry2", Op: plan.Put, On: "domain/expiry2", Again: plan.Safe})
		}, "put cannot follow the lock"},
		{"channel behind the lock", func(p *plan.Plan) {
			p.Steps = append(p.Steps, plan.Step{ID: "open nowhere", Op: plan.Open, On: "nowhere", Again: plan.Safe, Session: true})
		}, "open cannot follow the lock"},
		{"offset behind the content", change("update text/number", func(s *plan.Step) { s.Offset = 18 }), "offset 18 lies outside 17 bytes"},
		{"offset below zero", change("update text/number", func(s *plan.Step) { s.Offset = -1 }), "offset -1"},
		{"offset of a comparison", change("compare text/number", func(s *plan.Step) { s.Offset = 3 }), "compare has no offset"},
		{"length below zero", change("compare text/number", func(s *plan.Step) { s.Length = -1 }), "outside -1 bytes"},
		{"PIN without its secret", change("set-pin text/pin", func(s *plan.Step) { s.Secret = "" }), "a secret is named where none belongs, or is missing"},
		{"file with a secret", change("update text/number", func(s *plan.Step) { s.Secret = "pin:text" }), "a secret is named where none belongs"},
		{"doubt played down", change("print face", func(s *plan.Step) { s.Again = plan.Safe }), `doubt about print means "probe", not "safe"`},
		{"lock that can be undone", change("lock domain", func(s *plan.Step) { s.Irreversible = false }), "session and irreversible are false and true for lock"},
		{"channel that outlives the session", change("open text", func(s *plan.Step) { s.Session = false }), "session and irreversible"},
		{"cost below zero", change("lock domain", func(s *plan.Step) { s.Cost.Sent = -1 }), "a cost is below zero"},
		{"too many steps", func(p *plan.Plan) { p.Steps = make([]plan.Step, plan.StepsMax+1) }, "it has 1025 steps, at most 1024"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := build(t, wanted("standard"), blankCard(generation1(t)), plan.Progress{}, short)
			row.change(p)
			err := p.Check()
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.HasPrefix(err.Error(), "cannot accept plan") {
				t.Fatalf("got %v, want an error with %q", err, row.want)
			}
			b, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := plan.Parse(b); err == nil {
				t.Error("Parse takes it")
			}
		})
	}
}

// TestPlansThatDoNotRead are refused by Parse alone.
func TestPlansThatDoNotRead(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                 "",
		"not JSON":                "steps: all",
		"a list":                  "[]",
		"cut off":                 `{"version":1,"steps":[`,
		"field nobody knows":      `{"version":1,"colour":"red"}`,
		"step field nobody knows": `{"version":1,"steps":[{"id":"print face","op":"print","on":"face","again":"probe","irreversible":true,"copies":2}]}`,
		"number out of range":     `{"version":99999999999999999999}`,
		"second plan behind it":   `{"version":1,"steps":[]}{"version":1,"steps":[]}`,
		"garbage behind it":       `{"version":1,"steps":[]} x`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := plan.Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "cannot") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// FuzzPlan: what Parse takes can be written, read again and shown, and has one digest.
func FuzzPlan(f *testing.F) {
	o := forProduct("infant") // a part of it: a whole plan is too long to change a byte at a time
	o.Files, o.References, o.Objects = o.Files[2:3], o.References[1:2], o.Objects[:1]
	b, err := json.Marshal(build(f, o, blankCard(generation1(f)), plan.Progress{}, extended))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"version":1,"steps":[{"id":"print face","op":"print","on":"face","again":"probe","irreversible":true}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := plan.Parse(b)
		if err != nil {
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plan.Parse(written)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if again.Digest() != p.Digest() || again.Text(plan.Contact) != p.Text(plan.Contact) {
			t.Error("a plan changes by being written and read")
		}
		for i := range p.Steps {
			if s, ok := p.Step(p.Steps[i].ID); !ok || s != p.Steps[i] {
				t.Errorf("step %d is not found by its ID", i)
			}
		}
	})
}

// TestSeconds are worked out by hand from the physics sheet's numbers.
func TestSeconds(t *testing.T) {
	slow := plan.Timing{BytesPerSecond: 100, PerAPDU: 1, PerPage: 10, Page: 64, Generate: 1000, Sign: 500, Handling: 7}
	for _, row := range []struct {
		name string
		step plan.Step
		want float64
	}{
		{"an exchange", plan.Step{Op: plan.Compare, Length: 9999, Cost: plan.Cost{APDUs: 2, Sent: 30, Received: 20}}, 0.5 + 2},
		{"pages are whole", plan.Step{Op: plan.Update, Length: 65}, 20},
		{"only what is still to write", plan.Step{Op: plan.Update, Offset: 64, Length: 65}, 10},
		{"a data object", plan.Step{Op: plan.Put, Length: 5}, 10},
		{"a PIN", plan.Step{Op: plan.SetPIN, Length: 4}, 10},
		{"a key", plan.Step{Op: plan.Generate}, 1000},
		{"a request", plan.Step{Op: plan.Request}, 500},
		{"the authority", plan.Step{Op: plan.Certify}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := slow.Seconds(&plan.Plan{Steps: []plan.Step{row.step}}); math.Abs(got-row.want-7) > 1e-9 {
				t.Errorf("got %v s, want %v and 7 for the hand", got, row.want)
			}
		})
	}
}

// TestContactIsOfTheOrderPublished: without keys and handling, about the 3.5 s that the
// physics sheet works out for a payload of 30,784 bytes, plus the reader's share.
func TestContactIsOfTheOrderPublished(t *testing.T) {
	contact := plan.Contact
	contact.Handling, contact.PerAPDU, contact.PerPage, contact.Generate, contact.Sign = 0, 0, 0, 0, 0
	sheet := &plan.Plan{Steps: []plan.Step{{Op: plan.Compare, Cost: plan.Cost{APDUs: 166, Sent: 30784 + 166*21, Received: 166 * 10}}}}
	if got := contact.Seconds(sheet); got < 3.2 || got > 3.6 {
		t.Errorf("got %.2f s, the sheet has 3.49", got)
	}
}
