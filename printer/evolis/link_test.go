package evolis_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/evolis"
	"jukicard/printer/wire"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/evolis"
)

// script is a printer of a few lines: what it says at once, and what it answers.
func script(t *testing.T, first string, answers func(order string) string) wire.Dialer {
	t.Helper()
	return wire.Func{Name: "script", Open: func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = far.Close() })
		say := make(chan string, 64)
		say <- first
		go func() {
			for text := range say {
				if _, err := far.Write([]byte(text)); err != nil {
					return // the driver has hung up
				}
			}
		}()
		go func() {
			defer close(say)
			in := bufio.NewReader(far)
			for {
				line, err := in.ReadString('\r')
				if err != nil {
					return
				}
				_, order, _ := strings.Cut(strings.TrimSuffix(line, "\r"), "\x1b")
				if a := answers(order); a != "" {
					say <- a
				}
			}
		}()
		return near, nil
	}}
}

// plain answers what any printer does.
func plain(order string) string {
	switch {
	case order == "Rsn":
		return "10000123456\x00"
	case order == "Rlr;p" || !strings.HasPrefix(order, "R"):
		return "OK\x00"
	case order == "Rco;p":
		return "7\x00"
	}
	return "ERROR CDE\x00"
}

func open(t *testing.T, d wire.Dialer, o evolis.Options) *evolis.Printer {
	t.Helper()
	o.Timing = evolis.Timing{Reply: 100 * time.Millisecond, Plane: 100 * time.Millisecond, Settle: time.Millisecond, Poll: time.Millisecond}
	p, err := evolis.New(d, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// What was meant for a host that had hung up is not taken for an answer.
func TestStaleAnswersAreReadOver(t *testing.T) {
	for name, first := range map[string]string{
		"none":                      "",
		"a done":                    "OK\x00",
		"three, the first one torn": "ARD\x00OK\x0012\x00",
		"an old serial number":      "10000123456\x00",
	} {
		t.Run(name, func(t *testing.T) {
			st, err := open(t, script(t, first, plain), evolis.Options{Serial: "10000123456"}).Status(t.Context())
			if err != nil || st.Position != printer.Hopper || st.CardsPrinted != 7 {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}

func TestPrintersThatDoNotAnswerRightly(t *testing.T) {
	but := func(order, answer string) func(string) string {
		return func(o string) string {
			if o == order {
				return answer
			}
			return plain(o)
		}
	}
	for name, row := range map[string]struct {
		answers func(string) string
		kind    wire.Kind // of the link, when fault is empty
		fault   string
	}{
		"none at all":             {func(string) string { return "" }, wire.Timeout, ""},
		"no end":                  {but("Rsn", strings.Repeat("x", 3000)), wire.Broken, ""},
		"no serial number":        {but("Rsn", "OK\x00"), wire.Broken, ""},
		"will not manage errors":  {but("Pem;2", "ERROR CDE\x00"), 0, "ERROR CDE"},
		"would not keep the card": {but("Pneab;E", "ERROR CDE\x00"), 0, "ERROR CDE"},
		"no counter":              {but("Rco;p", "many\x00"), 0, "many"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, script(t, "", row.answers), evolis.Options{}).Status(t.Context())
			var link *wire.Error
			var fault *printer.FaultError
			switch {
			case row.fault != "" && (!errors.As(err, &fault) || fault.Fault.Code != row.fault):
				t.Errorf("got %v, want the fault %s", err, row.fault)
			case row.fault == "" && (!errors.As(err, &link) || link.Kind != row.kind):
				t.Errorf("got %v, want a link that is %s", err, row.kind)
			}
		})
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for name, o := range map[string]evolis.Options{
		"a ribbon that there is not": {Ribbon: "gold"},
		"one shade":                  {Shades: evolis.Levels2},
		"shades of no printer":       {Shades: 100},
		"a contrast beyond the dial": {Contrast: 21},
	} {
		if _, err := evolis.New(wire.TCP{}, o); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIdentityAndSupplies(t *testing.T) {
	b := set(t, press.Config{CleanEvery: 1, Ribbon: 9}, model.Options{}, evolis.Options{NoContactless: true})
	is, err := b.Identity(t.Context())
	want := printer.Identity{Maker: "Evolis", Model: "Primacy", Serial: "10000123456", Firmware: "1701", DPI: 300, Contact: true}
	if err != nil || is != want {
		t.Errorf("%+v, %v", is, err)
	}
	for _, when := range []struct {
		name     string
		do       func()
		cleaning int
		ribbon   int
		cards    int
		low      bool
	}{
		{"new", func() { b.press.SetSupplies(50, 9, 0, false) }, -1, 4, -1, false},
		{"after a card", func() { _ = b.press.Commit() }, 0, 4, -1, false},
		{"few cards", func() { b.press.SetSupplies(3, 4, 0, false) }, 0, 2, -1, true},
		{"no cards", func() { b.press.SetSupplies(0, 4, 0, false) }, 0, 2, 0, true},
	} {
		when.do()
		st, err := b.Status(t.Context())
		if err != nil || len(st.Supplies) != 3 {
			t.Fatalf("%s: %+v, %v", when.name, st.Supplies, err)
		}
		ribbon, cards, cleaning := st.Supplies[0], st.Supplies[1], st.Supplies[2]
		if ribbon.Remaining != when.ribbon || cleaning.Remaining != when.cleaning || cards.Remaining != when.cards || cards.Low != when.low {
			t.Errorf("%s: %+v", when.name, st.Supplies)
		}
	}
}

// One panel of a card is not a card.
func TestAPanelIsNoCard(t *testing.T) {
	b := set(t, press.Config{}, model.Options{CountsPanels: true}, evolis.Options{Counter: evolis.CountsPanels})
	must(t, b.Move(t.Context(), printer.Head))
	before, err := b.Status(t.Context())
	must(t, err)
	b.press.Arm(press.Mishap{When: press.Inking, Nth: 2, Kind: press.PowerCut})
	var pe *printer.PrintError
	if err := b.Print(t.Context(), face(), nil); !errors.As(err, &pe) || pe.Surface == printer.SurfacePrinted {
		t.Fatalf("got %v", err)
	}
	b.press.PowerOn()
	after, err := b.Status(t.Context())
	must(t, err)
	if got := after.Since(before.CardsPrinted); got != printer.SurfaceUnknown || after.CardsPrinted == before.CardsPrinted {
		t.Errorf("from %d to %d the card is said to be %s", before.CardsPrinted, after.CardsPrinted, got)
	}
}

func TestMaintenanceIsByHand(t *testing.T) {
	b := set(t, press.Config{}, model.Options{}, evolis.Options{})
	for name, do := range map[string]func(context.Context) error{"clean": b.Clean, "print a test card": b.PrintTest} {
		var fault *printer.FaultError
		if err := do(t.Context()); !errors.As(err, &fault) || fault.Fault.Kind != printer.Refused || fault.Op != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.model.Received() != 0 {
		t.Error("something was sent")
	}
}

// What a card's way says on the wire, in the order that the guide has it.
func TestTheOrdersOfACard(t *testing.T) {
	b, ctx := set(t, press.Config{}, model.Options{}, evolis.Options{Ribbon: "k"}), t.Context()
	must(t, b.Move(ctx, printer.Contact))
	must(t, b.Move(ctx, printer.Head))
	must(t, b.Print(ctx, printer.Face{Front: face().Front, DPI: 300}, nil))
	must(t, b.Move(ctx, printer.Output))
	var orders []string
	for _, o := range b.model.Log() {
		if !strings.HasPrefix(o, "R") {
			name, _, _ := strings.Cut(o, ";2;")
			orders = append(orders, name)
		}
	}
	want := "Pem;2 Pneab;E Psmgr;2 Pcim;F Sis Si Pem;2 Pneab;E Psmgr;2 Pcim;F Pr;k Pc;k;=;10 Ss Sr Dbc;k Se Ss Pneab;A;1 Se Pneab;E"
	if got := strings.Join(orders, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
