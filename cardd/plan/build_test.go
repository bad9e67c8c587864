package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/plan"
)

// TestPlansForBlankCards shows whole plans; read the difference before it is committed.
func TestPlansForBlankCards(t *testing.T) {
	for _, row := range []struct {
		name, product string
		w             plan.Wire
		change        func(*plan.Order)
	}{
		{"adult-short", "standard", short, nil},
		{"adult-extended", "standard", extended, nil},
		{"under15", "under15", extended, nil},
		{"infant", "infant", extended, nil},
		{"face-auth", "face-auth", extended, nil},
		{"no-certificates", "standard", extended, func(o *plan.Order) {
			o.Keys, o.References = nil, o.References[2:]
			o.Files = append(o.Files[1:3:3], o.Files[4:]...)
		}},
		{"not-printed-here", "standard", extended, func(o *plan.Order) { o.Print = false }},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := forProduct(row.product)
			if row.change != nil {
				row.change(&o)
			}
			made := build(t, o, blankCard(generation1(t)), plan.Progress{}, row.w)
			golden(t, row.name+".txt", made.Text(plan.Contact))
		})
	}
}

// TestProductsNeverGetWhatTheyOmit: no step touches an object the product omits, even
// where the order names it.
func TestProductsNeverGetWhatTheyOmit(t *testing.T) {
	p := generation1(t)
	for _, product := range p.Products {
		t.Run(product.Name, func(t *testing.T) {
			made := build(t, wanted(product.Name), blankCard(p), plan.Progress{}, short)
			touched := map[string]bool{}
			for _, s := range made.Steps {
				touched[s.On] = true
			}
			for _, on := range product.Omit {
				if touched[on] && !strings.HasSuffix(on, "-cert") {
					t.Errorf("a step touches %s", on)
				}
			}
			if !touched["jpki/auth-key"] {
				t.Error("no key for 利用者証明用 is made")
			}
		})
	}
}

// TestAFinishedCardHasNoPlan: nothing is left when everything is there and known.
func TestAFinishedCardHasNoPlan(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	m := newCard(p, o)
	for _, s := range build(t, o, m.seen, plan.Progress{}, short).Steps {
		m.carry(s)
	}
	made := build(t, o, m.seen, m.past, short)
	if !made.Empty() {
		t.Errorf("still to do: %v", ids(made.Steps))
	}
	if made.Cost() != (plan.Cost{}) {
		t.Errorf("an empty plan costs %+v", made.Cost())
	}
}

// TestOnlyWhatIsNeeded: each row takes one thing away from a card that is complete but
// for the lock, and names all the steps that brings back.
func TestOnlyWhatIsNeeded(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	lock := []string{"open domain", "lock domain", "confirm domain", "print face"}
	with := func(before ...string) []string { return append(before, lock...) }
	for _, row := range []struct {
		name   string
		change func(*cardModel)
		want   []string
	}{
		{"nothing", func(*cardModel) {}, lock},
		{"a file", func(m *cardModel) { m.lose("text/number") }, with("open text", "update text/number", "compare text/number")},
		{"a proof of a file", func(m *cardModel) { delete(m.past.Done, "compare text/number") }, with("open text", "compare text/number")},
		{"a record", func(m *cardModel) { m.lose("common/manufacture") }, with("open common", "update common/manufacture", "compare common/manufacture")},
		{"a PIN", func(m *cardModel) { m.lose("text/pin") }, with("open text", "set-pin text/pin", "prove-pin text/pin")},
		{
			"a PIN that was blocked", func(m *cardModel) { m.seen.Objects["text/pin"] = plan.ObjectState{State: plan.StateBlocked} },
			with("open text", "set-pin text/pin", "prove-pin text/pin"),
		},
		{
			"a try of a PIN", func(m *cardModel) {
				m.seen.Objects["text/pin"] = plan.ObjectState{State: plan.StatePresent, Value: 2}
			},
			with("open text", "set-pin text/pin", "prove-pin text/pin"),
		},
		{
			"the belief in what the card says of a file", func(m *cardModel) { m.past.Rewrite = map[string]bool{"text/number": true} },
			with("open text", "update text/number", "compare text/number"),
		},
		{
			"the belief in what it says of a record", func(m *cardModel) { m.past.Rewrite = map[string]bool{"common/manufacture": true} },
			with("open common", "update common/manufacture", "compare common/manufacture"),
		},
		{
			"the belief in what it says of a PIN", func(m *cardModel) { m.past.Rewrite = map[string]bool{"text/pin": true} },
			with("open text", "set-pin text/pin", "prove-pin text/pin"),
		},
		{
			"the belief in what it says of a data object", func(m *cardModel) { m.past.Rewrite = map[string]bool{"domain/expiry": true} },
			[]string{"open domain", "put domain/expiry", "compare domain/expiry", "lock domain", "confirm domain", "print face"},
		},
		{"a proof of a PIN", func(m *cardModel) { delete(m.past.Done, "prove-pin text/pin") }, with("open text", "prove-pin text/pin")},
		{
			"a data object", func(m *cardModel) { m.lose("domain/expiry") },
			[]string{"open domain", "put domain/expiry", "compare domain/expiry", "lock domain", "confirm domain", "print face"},
		},
		{
			"a key that was known to be made", func(m *cardModel) { m.lose("jpki/auth-key"); m.lose("jpki/auth-cert") },
			with("open jpki", "read-key jpki/auth-key", "certify jpki/auth-cert", "update jpki/auth-cert", "compare jpki/auth-cert"),
		},
		{
			"the journal's word for a key", func(m *cardModel) {
				for _, id := range []string{"generate jpki/auth-key", "request jpki/auth-key", "certify jpki/auth-cert", "compare jpki/auth-cert"} {
					delete(m.past.Done, id)
				}
				m.lose("jpki/auth-cert")
			},
			with("open jpki", "read-key jpki/auth-key", "request jpki/auth-key", "certify jpki/auth-cert", "update jpki/auth-cert", "compare jpki/auth-cert"),
		},
		{
			"a certificate", func(m *cardModel) { m.lose("jpki/auth-cert") },
			with("open jpki", "certify jpki/auth-cert", "update jpki/auth-cert", "compare jpki/auth-cert"),
		},
		{
			"the proof of a certificate", func(m *cardModel) { delete(m.past.Done, "compare jpki/auth-cert") },
			with("open jpki", "certify jpki/auth-cert", "compare jpki/auth-cert"),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newCard(p, o)
			for _, s := range build(t, o, m.seen, plan.Progress{}, short).Steps {
				if s.Op == plan.Lock {
					break
				}
				m.carry(s)
			}
			row.change(m)
			if got := ids(build(t, o, m.seen, m.past, short).Steps); !slices.Equal(got, row.want) {
				t.Errorf("\n got %q\nwant %q", got, row.want)
			}
		})
	}
}

// TestCertificatesGoLast: the authority is asked when everything else is on the card,
// whatever the order of things in the order.
func TestCertificatesGoLast(t *testing.T) {
	o := wanted("standard")
	slices.Reverse(o.Files)
	slices.Reverse(o.Keys)
	steps := build(t, o, blankCard(generation1(t)), plan.Progress{}, short).Steps
	first := slices.IndexFunc(steps, func(s plan.Step) bool { return s.Op == plan.Certify })
	for _, s := range steps[first:] {
		if s.Op == plan.Open && s.On != plan.Domain {
			t.Errorf("%s comes behind the first certificate", s.ID)
		}
	}
}

// TestACertificateOfAnotherLength: what the authority really gave is what is written.
func TestACertificateOfAnotherLength(t *testing.T) {
	past := plan.Progress{Ours: true, Lengths: map[string]int{"jpki/auth-cert": 1500}}
	made := build(t, wanted("standard"), blankCard(generation1(t)), past, short)
	for _, id := range []string{"update jpki/auth-cert", "compare jpki/auth-cert"} {
		if s, _ := made.Step(id); s.Length != 1500 {
			t.Errorf("%s has %d bytes, want 1500", id, s.Length)
		}
	}
}

// TestCardsThatCannotBeIssued: each state is refused with its own code, which is one of
// those an operator can look up.
func TestCardsThatCannotBeIssued(t *testing.T) {
	p := generation1(t)
	half := blankCard(p)
	half.Objects["text/number"] = plan.ObjectState{State: plan.StatePresent, Value: 17}
	at := func(life byte) plan.Observation {
		seen := blankCard(p)
		seen.LifeCycle = life
		return seen
	}
	for _, row := range []struct {
		name string
		seen plan.Observation
		past plan.Progress
		code string
	}{
		{"it does not tell its state", plan.Observation{Card: cardID}, plan.Progress{}, "CARD-UNKNOWN-STATE"},
		{"it does not tell its state, and is ours", plan.Observation{Card: cardID}, plan.Progress{Ours: true}, "CARD-UNKNOWN-STATE"},
		{"issued", at(p.Domain.Locked), plan.Progress{}, "CARD-ISSUED"},
		{"locked", at(0x7F), plan.Progress{}, "CARD-LIFECYCLE"},
		{"terminated", at(0xFF), plan.Progress{Ours: true}, "CARD-LIFECYCLE"},
		{"in a state of no standard", at(0x00), plan.Progress{}, "CARD-LIFECYCLE"},
		{"half made by somebody else", half, plan.Progress{}, "CARD-HALF-MADE"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := plan.Build(p, wanted("standard"), row.seen, row.past, short)
			var refused *plan.CardError
			if !errors.As(err, &refused) || refused.Code != row.code {
				t.Fatalf("got %v, want a refusal with code %s", err, row.code)
			}
			if refused.Remedy == "" || !strings.Contains(err.Error(), refused.Remedy) {
				t.Errorf("%q names no remedy", err)
			}
			if _, listed := failure.Explain(failure.Code(refused.Code)); !listed {
				t.Errorf("code %s is not in the list of failures", refused.Code)
			}
		})
	}
}

// TestOrdersThatCannotBePlanned: what the planner would leave out in silence, or could
// not carry out, is refused before there is a plan.
func TestOrdersThatCannotBePlanned(t *testing.T) {
	file := func(on string, length int, after string) func(*plan.Order) {
		return func(o *plan.Order) {
			o.Files = append(o.Files, plan.Content{On: on, Length: length, After: after})
		}
	}
	object := func(on string, length int) func(*plan.Order) {
		return func(o *plan.Order) { o.Objects = append(o.Objects, plan.Content{On: on, Length: length}) }
	}
	for _, row := range []struct {
		name   string
		change func(*plan.Order)
		want   string
	}{
		{"product of another generation", func(o *plan.Order) { o.Product = "gold" }, `no product "gold"`},
		{"file of no application", file("passport/number", 9, ""), `no application "passport"`},
		{"file of no name", file("text/nothing", 9, ""), "no such file"},
		{"file by its identifier", file("text/0008", 9, ""), "has the name text/unknown-0008"},
		{"file the maker writes", file("text/basic", 256, ""), "not written at issue"},
		{"file wanted twice", file("text/number", 17, ""), "text/number is wanted twice"},
		{"content longer than its file", func(o *plan.Order) { o.Files[10].Length = 18 }, "text/number takes 1 to 17 bytes, not 18"},
		{"content of nothing", func(o *plan.Order) { o.Files[10].Length = 0 }, "text/number takes 1 to 17 bytes, not 0"},
		{"content that waits for nothing", func(o *plan.Order) { o.Files[10].After = "certify text/number" }, `waits for the step "certify text/number"`},
		{"content that waits for a holder's key to be read", func(o *plan.Order) { o.Files[10].After = "read-key jpki/auth-key" }, "waits for the step"},
		{"key of no name", func(o *plan.Order) { o.Keys[0].On = "jpki/third-key" }, "no such key"},
		{"key of the maker", func(o *plan.Order) { o.Keys[0].On = "text/card-key" }, "maker's key"},
		{"key whose certificate goes nowhere", func(o *plan.Order) { o.Keys[0].Cert = "jpki/other" }, "no file is wanted for its certificate"},
		{"key wanted twice", func(o *plan.Order) { o.Keys[1].On = o.Keys[0].On }, "is wanted twice"},
		{"PIN of no name", func(o *plan.Order) { o.References[0].On = "jpki/puk" }, "no such reference"},
		{"PIN that is never set", func(o *plan.Order) { o.References[0].On = "text/blocked-0012" }, "is never set"},
		{"PIN without a secret", func(o *plan.Order) { o.References[0].Secret = "" }, "no secret is named"},
		{"data object of no name", object("domain/colour", 5), `no data object "domain/colour"`},
		{"data object outside the domain", object("municipality", 5), `no data object "municipality"`},
		{"data object wanted twice", object("domain/expiry", 8), "domain/expiry is wanted twice"},
		{"data object too long for one command", func(o *plan.Order) { o.Objects[0].Length = 240 }, "takes 1 to 239 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, o := generation1(t), wanted("standard")
			row.change(&o)
			_, err := plan.Build(p, o, blankCard(p), plan.Progress{}, short)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want an error with %q", err, row.want)
			}
			if !strings.HasPrefix(err.Error(), "cannot plan") {
				t.Errorf("%q does not say what was wanted", err)
			}
		})
	}
}

// TestBuildKeepsWhatItIsGiven: it is pure, also towards its arguments.
func TestBuildKeepsWhatItIsGiven(t *testing.T) {
	p, o := generation1(t), wanted("standard")
	done := map[string]bool{"request jpki/auth-key": true, "compare text/number": true}
	past := plan.Progress{Ours: true, Done: done, Lengths: map[string]int{"jpki/auth-cert": 1400}}
	first := build(t, o, blankCard(p), past, short)
	second := build(t, o, blankCard(p), past, short)
	if first.Digest() != second.Digest() {
		t.Error("the same question has two answers")
	}
	if len(done) != 2 || o.Files[3].Length != 1604 {
		t.Error("Build changed its arguments")
	}
}
