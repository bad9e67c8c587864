package hostile

import (
	"bytes"
	"context"
	"crypto/rand"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/simulator"
)

// liar is a simulated card with somebody in between who has the issuer's keys: he ends
// the station's channel himself, has another one to the card, and changes what goes
// through. It is a card in a reader.
type liar struct {
	real *simulator.Card
	s    script
	gap  int                     // protected commands to let pass before the next lie
	due  func(apdu.Command) bool // whether to lie now; nil: when the gap is over
	most int                     // lies he tells at most

	outer   scp03.CardSession // the station's channel
	inner   *scp03.Session    // his own to the card; nil: none
	aid     []byte            // of the application that is selected; nil: none
	pending []byte            // what GET RESPONSE hands out
	history map[byte][]byte   // the latest answer to each instruction, plain
	lies    map[string]int
}

var _ simulator.ProcessingCard = (*liar)(nil)

func newLiar(real *simulator.Card, most int, b []byte) *liar {
	l := &liar{real: real, s: script{b}, most: most, history: map[byte][]byte{}, lies: map[string]int{}}
	l.gap = l.s.next()
	return l
}

// ATR implements simulator.ProcessingCard.
func (l *liar) ATR() []byte { return l.real.ATR() }

// PowerOff implements simulator.ProcessingCard.
func (l *liar) PowerOff() {
	l.forget()
	l.real.PowerOff()
}

// Reset implements simulator.ProcessingCard.
func (l *liar) Reset() {
	l.forget()
	l.real.Reset()
}

func (l *liar) forget() {
	l.outer.Reset()
	if l.inner != nil {
		l.inner.Close()
		l.inner = nil
	}
	l.pending = nil
}

// told is how many lies were told.
func (l *liar) told() (n int) {
	for _, told := range l.lies {
		n += told
	}
	return n
}

// Process implements simulator.ProcessingCard.
func (l *liar) Process(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return l.real.Process(command)
	}
	switch {
	case len(l.pending) > 0 && c.INS == apdu.INSGetResponse:
		return l.hand(c.Ne, nil)
	case c.INS == apdu.INSInitializeUpdate && c.CLA == 0x80:
		return l.initialize(c)
	case c.INS == apdu.INSExternalAuthenticate && l.outer.Pending():
		sw := l.outer.ExternalAuthenticate(c)
		return []byte{sw.SW1(), sw.SW2()}
	case scp03.Secured(c.CLA) && l.outer.Open():
		return l.secured(c)
	case c.INS == apdu.INSSelect && c.P1 == 0x04:
		l.forget()
		l.aid = bytes.Clone(c.Data)
	}
	return l.real.Process(command)
}

// initialize opens his own channel first, so that he can state what the card states, and
// answers with a challenge that is as it should be.
func (l *liar) initialize(c apdu.Command) []byte {
	l.forget()
	card := apdu.Wrap(apdu.TransportFunc(func(_ context.Context, b []byte) ([]byte, error) { return l.real.Process(b), nil }), apdu.GetResponse(apdu.Budget{}))
	inner, err := scp03.Open(context.Background(), card, scp03.Config{Find: scp03.Diversified(simulator.LabTestKey), KeyVersion: c.P1, Level: scp03.LevelFull})
	if err != nil {
		return []byte{0x6A, 0x88}
	}
	l.inner = inner
	keys, err := scp03.Diversify(simulator.LabTestKey, inner.Info().Diversification)
	if err != nil {
		return []byte{0x6F, 0x00}
	}
	r, err := l.outer.InitializeUpdate(context.Background(), scp03.CardParams{Info: inner.Info(), Keys: keys, AID: l.aid}, c)
	if err != nil {
		return []byte{0x6F, 0x00}
	}
	return r.Append(nil)
}

// secured takes a command out of the station's channel, passes it on, and protects the
// answer, or a lie.
func (l *liar) secured(c apdu.Command) []byte {
	plain, sw := l.outer.Unwrap(c)
	if sw != apdu.SWOK {
		l.forget()
		return []byte{sw.SW1(), sw.SW2()}
	}
	plain.Data, plain.Extended = bytes.Clone(plain.Data), c.Extended
	r := l.lie(plain)
	most := apdu.MaxShortNe
	if c.NeedsExtended() {
		most = apdu.MaxExtendedNe
	}
	return l.hand(most, l.outer.Wrap(nil, r))
}

// hand gives as much of an answer as the form carries and keeps the rest.
func (l *liar) hand(most int, answer []byte) []byte {
	if answer == nil {
		answer = l.pending
	}
	l.pending = nil
	data, sw := split(answer)
	if len(data) <= most {
		return answer
	}
	l.pending = append(data[most:], sw...)
	return append(data[:most:most], 0x61, byte(min(len(data)-most, 0xFF)))
}

// pass carries a command out.
func (l *liar) pass(c apdu.Command) apdu.Response {
	r, err := apdu.Send(context.Background(), l.inner, c)
	if err != nil {
		return apdu.Response{SW: apdu.SWUnknown}
	}
	r.Data = bytes.Clone(r.Data)
	return r
}

func (l *liar) lie(c apdu.Command) apdu.Response {
	due := l.gap <= 0
	if l.due != nil {
		due = l.due(c)
	}
	if !due || l.s.over() || l.told() >= l.most {
		l.gap--
		r := l.pass(c)
		l.history[c.INS] = r.Data
		return r
	}
	t := lies[l.s.below(len(lies))]
	r, told := t.tell(l, c)
	if told {
		l.lies[t.name]++
	}
	l.gap = l.s.next() % 64
	return r
}

// lie is something that can be said with the keys. Whether it was a lie is said too: the
// same answer by chance, or a refusal of what was refused anyway, is none.
type lie struct {
	name string
	tell func(l *liar, c apdu.Command) (r apdu.Response, told bool)
}

var lies = []lie{
	{"flip", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		if len(r.Data) == 0 {
			return r, false
		}
		r.Data[l.s.below(len(r.Data))] ^= 1 << l.s.below(8)
		return r, true
	}},
	{"shorten", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		if len(r.Data) == 0 {
			return r, false
		}
		r.Data = r.Data[:l.s.below(len(r.Data))]
		return r, true
	}},
	{"lengthen", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		r.Data = append(r.Data, bytes.Repeat([]byte{byte(l.s.next())}, 1+l.s.below(40))...)
		return r, true
	}},
	{"another status", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		sw := statuses[l.s.below(len(statuses))]
		told := r.SW != apdu.SW(sw[0])<<8|apdu.SW(sw[1])
		r.SW = apdu.SW(sw[0])<<8 | apdu.SW(sw[1])
		return r, told
	}},
	{"yes, and nothing done", func(_ *liar, _ apdu.Command) (apdu.Response, bool) { return apdu.Response{SW: apdu.SWOK}, true }},
	{"no, and nothing done", func(_ *liar, _ apdu.Command) (apdu.Response, bool) { return apdu.Response{SW: apdu.SWUnknown}, true }},
	{"no, and done", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		l.pass(c)
		return apdu.Response{SW: apdu.SWMemoryFailure}, true
	}},
	{"an earlier answer", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		earlier := l.history[c.INS]
		told := !bytes.Equal(earlier, r.Data)
		r.Data = bytes.Clone(earlier)
		return r, told
	}},
	{"an earlier answer, and nothing done", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		return apdu.Response{Data: bytes.Clone(l.history[c.INS]), SW: apdu.SWOK}, true
	}},
	{"a huge length", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		l.pass(c)
		return apdu.Response{Data: bytes.Clone(hugeTLV[l.s.below(len(hugeTLV))]), SW: apdu.SWOK}, true
	}},
	{"a key", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		if c.INS != apdu.INSGenerateKeyPair {
			return r, false
		}
		r.Data = strangeKey(l.s.below(strangeKeys))
		return r, true
	}},
	{"random bytes", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		if len(r.Data) == 0 {
			return r, false
		}
		_, _ = rand.Read(r.Data)
		return r, true
	}},
	{"a state", func(l *liar, c apdu.Command) (apdu.Response, bool) {
		r := l.pass(c)
		if c.INS != apdu.INSGetData || [2]byte{c.P1, c.P2} != stateTag {
			return r, false
		}
		r.Data = forgeState(1+l.s.below(forgeries-1), r.Append(nil))
		return r, true
	}},
}
