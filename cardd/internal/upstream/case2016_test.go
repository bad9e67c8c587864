package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/simulator/jukinet"
)

// office is one municipal office and its line, as testdata/2016.txt tells of it.
type office struct {
	*world
	cards   []string
	shipper *Shipper
	stop    func() error
	once    bool // its counterpart must never hear a notice twice
}

// sentence is a sentence of testdata/2016.txt: what it says in both languages, and
// how it is made to happen or is seen to be so.
type sentence struct {
	en, ja string
	do     func(*testing.T, *office)
}

// TestTheCaseOf2016 tells what happened in April 2016 (itpro, 2016-04-05 and 04-06),
// and what happens with cardd. The text is testdata/2016.txt; every sentence of it
// is carried out or checked, and only sentences that can be are allowed in it.
func TestTheCaseOf2016(t *testing.T) {
	text, err := os.ReadFile("testdata/2016.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]sentence{}
	for _, s := range sentences {
		known[s.en] = s
	}
	used := map[string]bool{}
	for chapter := range strings.SplitSeq(string(text), "\n== ") {
		title, body, _ := strings.Cut(chapter, "\n")
		if strings.HasPrefix(title, "#") {
			continue
		}
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tell2016(t, body, known, used) })
		})
	}
	for _, s := range sentences {
		if !used[s.en] {
			t.Errorf("nobody tells this any more: %q", s.en)
		}
	}
}

// tell2016 carries out one chapter: its title in Japanese, then sentences in pairs,
// English and below it Japanese.
func tell2016(t *testing.T, body string, known map[string]sentence, used map[string]bool) {
	o := &office{}
	var lines []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	lines = lines[1:]
	for i := 0; i+1 < len(lines); i += 2 {
		s, ok := known[lines[i]]
		switch {
		case !ok:
			t.Fatalf("cannot carry out %q", lines[i])
		case s.ja != lines[i+1]:
			t.Fatalf("%q in Japanese is %q, the text has %q", s.en, s.ja, lines[i+1])
		}
		used[s.en] = true
		s.do(t, o)
	}
	if len(lines)%2 != 0 {
		t.Errorf("%q has no other language", lines[len(lines)-1])
	}
	o.close(t)
}

func (o *office) close(t *testing.T) {
	if o.stop != nil {
		if err := o.stop(); err != nil {
			t.Error(err)
		}
	}
}

// opened is an office with that many cards, each of which card management holds as
// 交付前.
func opened(count int, options jukinet.Options) func(*testing.T, *office) {
	return func(t *testing.T, o *office) {
		o.world = newWorld(t, options)
		for i := range count {
			o.cards = append(o.cards, fmt.Sprintf("99990000%08d", i+1))
			if err := o.sim.Register(o.cards[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// finished writes and locks every card of the office: the journal has the end of
// the job and, in the same transaction, what card management has to hear.
func finished(t *testing.T, o *office) {
	for i, card := range o.cards {
		job := journal.Job{ID: fmt.Sprintf("job-%03d", i+1), OrderID: fmt.Sprintf("order-%03d", i+1), CardID: card, Station: "市民課 窓口1", Operation: "issue"}
		notices, err := Outcome{Job: job.ID, Card: card, Order: job.OrderID, Station: job.Station}.Issued()
		if err == nil {
			err = o.journal.Create(t.Context(), job, nil)
		}
		if err == nil {
			_, err = o.journal.AppendWith(t.Context(), job.ID, journal.Record{Kind: journal.Signed, Body: json.RawMessage("{}")}, notices...)
		}
		if err == nil {
			err = o.journal.SetState(t.Context(), job.ID, journal.Done, "", 1, 1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// breaks makes the line break with the nth telegram, in that way.
func breaks(kinds ...jukinet.FaultKind) func(*testing.T, *office) {
	return func(_ *testing.T, o *office) {
		for _, k := range kinds {
			o.sim.OnTell(jukinet.Fault{Kind: k})
		}
	}
}

// blindly tells as the terminals of 2016 did: what gets no answer is sent again.
func blindly(t *testing.T, o *office) {
	for range o.cards {
		kept, _, err := o.journal.NextNotice(t.Context(), Management)
		if err != nil {
			t.Fatal(err)
		}
		n, err := fromOutbox(kept)
		if err != nil {
			t.Fatal(err)
		}
		answer := o.party.Tell(t.Context(), n)
		if errors.Is(answer, ErrUnreachable) {
			answer = o.party.Tell(t.Context(), n)
		}
		o.settle(t, kept, answer)
	}
}

// settle writes down what a blind terminal was told.
func (o *office) settle(t *testing.T, n journal.Notice, answer error) {
	after, err := o.journal.MoveNotice(t.Context(), Management, n.Key, n.State, journal.Move{Act: journal.ActBegun, State: string(Unknown)})
	last := Accepted
	if answer != nil {
		last = Refused
	}
	if err == nil {
		_, err = o.journal.MoveNotice(t.Context(), Management, n.Key, after.State, journal.Move{Act: "told", State: string(last), Held: last == Refused})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// carefully is cardd's way.
func carefully(_ *testing.T, o *office) {
	c := o.config()
	if o.once {
		c.Tells = 1
	}
	o.shipper = NewShipper(c)
	o.stop = o.run(o.shipper)
}

// first sees to it that the first card stands so at card management.
func first(want jukinet.Status) func(*testing.T, *office) {
	return func(t *testing.T, o *office) {
		if got := o.sim.Card(o.cards[0]).Status; got != want {
			t.Errorf("card management holds the card as %s, want %s", got, want)
		}
	}
}

// state sees to it that the first card's notice comes to stand so.
func state(want State) func(*testing.T, *office) {
	return func(_ *testing.T, o *office) {
		o.until("the notice is "+string(want), func() bool { return o.standing()[0] == want })
	}
}

// finding sees to it that reconciliation says so of the first card; an empty code is
// that it lists nothing.
func finding(verdict Verdict, right Right, code failure.Code) func(*testing.T, *office) {
	return func(t *testing.T, o *office) {
		found := o.reconcile(t)
		switch {
		case code == "" && len(found) == 0:
		case code == "" || len(found) == 0:
			t.Errorf("reconciliation lists %+v, want %q", found, code)
		case found[0].Verdict != verdict || found[0].Right != right || found[0].Code != code:
			t.Errorf("reconciliation says %s %s %s, want %s %s %s", found[0].Verdict, found[0].Right, found[0].Code, verdict, right, code)
		}
	}
}

func (o *office) reconcile(t *testing.T) []Finding {
	jobs, err := o.journal.Jobs(t.Context(), journal.JobsMax)
	if err != nil {
		t.Fatal(err)
	}
	notices, err := o.journal.Notices(t.Context(), 0, journal.NoticesMax)
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := o.party.Cards(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	terminal, chips := FromJournal(jobs, notices)
	return Reconcile(terminal, page, chips)
}

// lost sees to it that so many cards are lost: finished here, and not to be made
// 交付済 at card management any more.
func lost(want int) func(*testing.T, *office) {
	return func(t *testing.T, o *office) {
		got := 0
		for _, card := range o.cards {
			if o.sim.Card(card).Status != jukinet.Delivered {
				got++
			}
		}
		if got != want {
			t.Errorf("%d cards are lost, want %d; %+v", got, want, o.sim.Counts())
		}
		t.Logf("%d of %d cards lost", got, len(o.cards))
	}
}

// sent sees to it how many telegrams arrived, and that none was a blind repeat.
func sent(tells int) func(*testing.T, *office) {
	return func(t *testing.T, o *office) {
		if c := o.sim.Counts(); c.Tells != tells || c.Repeats != 0 {
			t.Errorf("card management saw %d telegrams and %d blind repeats, want %d and none", c.Tells, c.Repeats, tells)
		}
	}
}

// byTelephone is the two officials: card management corrects its record, the office
// lets its notice go.
func byTelephone(t *testing.T, o *office) {
	held := o.waiting()[0]
	if err := o.sim.Correct(held.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := Release(t.Context(), o.journal, held, "市民課 係長"); err != nil {
		t.Fatal(err)
	}
	o.shipper.Wake()
}

// badDay is what goes wrong on a day on which every third telegram does.
func badDay() []jukinet.FaultKind {
	var day []jukinet.FaultKind
	for _, k := range []jukinet.FaultKind{jukinet.Interrupt, jukinet.LoseReply, jukinet.LoseCall} {
		day = append(day, jukinet.None, jukinet.None, k)
	}
	var all []jukinet.FaultKind
	for range 30 / len(day) {
		all = append(all, day...)
	}
	return all
}

var sentences = []sentence{
	{"Card management holds the card as 交付前 (before hand-over).", "カード管理システムでは、カードは「交付前」である。", opened(1, jukinet.Options{})},
	{"Card management holds thirty cards as 交付前.", "カード管理システムでは、三十枚のカードが「交付前」である。", opened(30, jukinet.Options{})},
	{"Card management holds the card as 交付前, and what it has once seen it never takes again, whether it was asked or not.", "カード管理システムでは、カードは「交付前」である。一度見た電文は、照会の後でも二度と受け付けない。", opened(1, jukinet.Options{Deaf: true})},
	{"cardd is told of this: a notice may be sent once.", "carddには、通知は一度しか送れないと設定してある。", func(_ *testing.T, o *office) { o.once = true }},
	{"The terminal finishes the card: the terminal has it as 交付済 (handed over), the chip is 有効 (valid).", "端末で交付処理を終え、端末は「交付済」、チップは「有効」になった。", finished},
	{"The terminal finishes all of them.", "端末で全部のカードの交付処理を終えた。", finished},
	{"The line breaks while card management is being told: it has begun, and changes nothing.", "カード管理への通知中に回線が切れ、処理は始まったが何も変わらなかった。", breaks(jukinet.Interrupt)},
	{"The line breaks after card management has changed its record, and the answer is lost.", "カード管理が記録を変えた後で回線が切れ、応答が失われた。", breaks(jukinet.LoseReply)},
	{"Every third telegram goes wrong, in one way or another.", "三通に一通の電文が、何らかの形で失敗する。", breaks(badDay()...)},
	{"All lines are down for three and a half hours.", "三時間半のあいだ、全回線が止まる。", func(t *testing.T, o *office) {
		o.sim.Down()
		carefully(t, o)
		<-time.After(3*time.Hour + 30*time.Minute)
		o.sim.Up()
	}},
	{"The terminal gets no answer and sends the same again.", "端末は応答がないので、同じものをもう一度送る。", blindly},
	{"The terminal sends whatever gets no answer again.", "端末は、応答のないものをもう一度送る。", blindly},
	{"cardd tells card management.", "carddがカード管理に通知する。", carefully},
	{"Card management takes it for unauthorised access (不正アクセス) and bars the record.", "カード管理は「不正アクセス」と判定し、記録を閉鎖した。", first(jukinet.Barred)},
	{"cardd has no answer: for cardd the state is unknown, and nothing is sent again.", "carddには応答がない。状態は「不明」であり、再送はしない。", func(t *testing.T, o *office) {
		synctest.Wait() // the telegram is lost, and no time has passed
		if got := o.standing()[0]; got != Unknown {
			t.Errorf("the notice is %s", got)
		}
		sent(1)(t, o)
	}},
	{"Reconciliation lists the card: nobody knows yet, card management is asked.", "突合では「まだ不明、カード管理に照会する」と表示される。", finding(Asking, Nobody, failure.UpstreamAsk)},
	{"cardd asks, hears that there is nothing, waits until nothing can be under way, and tells it once more.", "carddは照会し、「なし」と聞き、途中の電文がなくなるまで待ってから、改めて一度だけ通知する。", func(t *testing.T, o *office) {
		state(Accepted)(t, o)
		sent(2)(t, o)
	}},
	{"cardd asks, and hears that card management has it. Nothing is sent again.", "carddは照会し、「受理済」と聞く。再送はしない。", func(t *testing.T, o *office) {
		state(Accepted)(t, o)
		sent(1)(t, o)
	}},
	{"cardd asks, hears that there is nothing, and leaves it to a person.", "carddは照会し、「なし」と聞き、職員に任せる。", func(t *testing.T, o *office) {
		o.until("a person must look", func() bool { return o.waiting()[0].Held })
		sent(1)(t, o)
	}},
	{"The office telephones: card management enters the card by hand, the office lets its notice go.", "電話で連絡し、カード管理が手作業で登録し、窓口が通知の保留を解く。", byTelephone},
	{"cardd tells card management, and everything it has to say arrives.", "carddがカード管理に通知し、すべて届いた。", func(t *testing.T, o *office) {
		carefully(t, o)
		o.untilSettled()
		o.clean()
	}},
	{"Everything it has to say arrives, in the order in which the cards were finished.", "カードを仕上げた順に、すべて届いた。", func(_ *testing.T, o *office) {
		o.untilSettled()
		o.clean()
	}},
	{"Terminal, card management and chip agree: 交付済, 交付済, 有効.", "端末・カード管理・チップは「交付済・交付済・有効」で一致した。", func(t *testing.T, o *office) {
		first(jukinet.Delivered)(t, o)
		finding(Agree, Everybody, "")(t, o)
	}},
	{"All thirty agree with terminal and chip.", "三十枚とも、端末・チップと一致した。", finding(Agree, Everybody, "")},
	{"Reconciliation lists it: terminal and chip are right, the record has to be opened there, nothing may be sent.", "突合では「端末とチップが正しい。先方で閉鎖を解く。何も送らない」と表示される。", finding(ToDo, TerminalAndChip, failure.UpstreamUnauthorised)},
	{"The card can only be made anew. Cards lost: 1.", "カードは作り直すしかない。失われたカード: 1枚。", lost(1)},
	{"Cards lost: 0.", "失われたカード: 0枚。", lost(0)},
	{"Six can only be made anew. Cards lost: 6.", "六枚は作り直すしかない。失われたカード: 6枚。", lost(6)},
}
