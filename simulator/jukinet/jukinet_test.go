package jukinet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// served is a counterpart behind a socket.
func served(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(func() {
		srv.Close()
		_ = s.Close() // it may be dead
	})
	return s, srv.URL
}

// post tells it a notice; the answer is "state code", "lost" when the line broke, or
// the status when the answer is none of the protocol's.
func post(t *testing.T, url string, n telegram) string {
	t.Helper()
	body, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, url+"/v1/notices", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil // or net/http would repeat it
	req.Header.Set("Idempotency-Key", `"`+n.Key+`"`)
	return answer(http.DefaultClient.Do(req))
}

// get asks about a key.
func get(url, key string) string { return answer(http.Get(url + "/v1/notices/" + key)) }

func answer(resp *http.Response, err error) string {
	if err != nil {
		return "lost"
	}
	defer func() { _ = resp.Body.Close() }()
	var a reply
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || a.State == "" {
		return fmt.Sprint(resp.StatusCode)
	}
	return strings.TrimSpace(a.State + " " + a.Code)
}

func issued(key, card string, seq int64) telegram {
	return telegram{Key: key, Card: card, Kind: kindIssued, Seq: seq}
}

// The conversations are what a sender can do, right and wrong, and what comes of it.
func TestConversations(t *testing.T) {
	type step struct {
		say  string // tell KEY, ask KEY, or a fault for the next telegram
		want string
	}
	rows := []struct {
		name  string
		deaf  bool
		steps []step
		card  Status
		count Counts
	}{
		{"it goes well", false, []step{{"ask k", "none"}, {"tell k", "accepted"}, {"ask k", "accepted"}}, Delivered, Counts{Tells: 1, Asks: 2, Taken: 1}},
		{"a blind repeat of what was taken", false, []step{{"lose-reply", ""}, {"tell k", "lost"}, {"tell k", "refused UNAUTHORISED"}, {"ask k", "accepted"}}, Barred,
			Counts{Tells: 2, Asks: 1, Taken: 1, Refused: 1, Repeats: 1, Lost: 1}},
		{"2016: a blind repeat of what had no effect", false, []step{{"interrupt", ""}, {"tell k", "lost"}, {"tell k", "refused UNAUTHORISED"}, {"ask k", "refused UNAUTHORISED"}}, Barred,
			Counts{Tells: 2, Asks: 1, Refused: 1, Repeats: 1, Lost: 1}},
		{"asked first, it may come again", false, []step{{"interrupt", ""}, {"tell k", "lost"}, {"ask k", "none"}, {"tell k", "accepted"}}, Delivered,
			Counts{Tells: 2, Asks: 1, Taken: 1, Lost: 1}},
		{"asked first, but to one that is deaf", true, []step{{"interrupt", ""}, {"tell k", "lost"}, {"ask k", "none"}, {"tell k", "refused UNAUTHORISED"}}, Barred,
			Counts{Tells: 2, Asks: 1, Refused: 1, Repeats: 1, Lost: 1}},
		{"asked, and repeated twice all the same", false, []step{{"interrupt", ""}, {"tell k", "lost"}, {"ask k", "none"}, {"tell k", "accepted"}, {"ask k", "accepted"}, {"tell k", "refused UNAUTHORISED"}}, Barred,
			Counts{Tells: 3, Asks: 2, Taken: 1, Refused: 1, Repeats: 1, Lost: 1}},
		{"a barred record takes nothing", false, []step{{"tell k", "accepted"}, {"tell k", "refused UNAUTHORISED"}, {"tell l", "refused BARRED"}, {"ask l", "refused BARRED"}}, Barred,
			Counts{Tells: 3, Asks: 1, Taken: 1, Refused: 2, Repeats: 1}},
		{"what never arrived may be repeated", false, []step{{"lose-call", ""}, {"tell k", "lost"}, {"tell k", "accepted"}}, Delivered, Counts{Tells: 1, Taken: 1, Lost: 1}},
		{"a relay that is busy", false, []step{{"busy", ""}, {"tell k", "503"}, {"ask k", "none"}}, Before, Counts{Asks: 1}},
		{"an answer that is mutilated", false, []step{{"garble", ""}, {"tell k", "200"}, {"ask k", "accepted"}}, Delivered, Counts{Tells: 1, Asks: 1, Taken: 1}},
		{"delivered twice", false, []step{{"tell k", "accepted"}, {"tell l", "refused STATE"}, {"tell l", "refused UNAUTHORISED"}}, Barred,
			Counts{Tells: 3, Taken: 1, Refused: 2, Repeats: 1}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, url := served(t, Options{Deaf: row.deaf})
			if err := s.Register("C1"); err != nil {
				t.Fatal(err)
			}
			for i, step := range row.steps {
				got := ""
				verb, key, _ := strings.Cut(step.say, " ")
				switch verb {
				case "tell":
					got = post(t, url, issued(key, "C1", int64(i+1)))
				case "ask":
					got = get(url, key)
				default:
					f, err := ParseFault(verb)
					if err != nil {
						t.Fatal(err)
					}
					s.OnTell(f)
				}
				if got != step.want {
					t.Errorf("%s: got %q, want %q", step.say, got, step.want)
				}
			}
			if got := s.Card("C1").Status; got != row.card {
				t.Errorf("the card is %s, want %s", got, row.card)
			}
			row.count.CardsHeld = 1
			if got := s.Counts(); got != row.count {
				t.Errorf("got %+v, want %+v", got, row.count)
			}
		})
	}
}

func TestWhatACardsStateAllows(t *testing.T) {
	rows := []struct {
		name string
		role Role
		from func(*Server) error
		say  telegram
		want string
		card Status
	}{
		{"交付 of a card on record", Management, func(s *Server) error { return s.Register("C1") }, telegram{Kind: kindIssued}, "accepted", Delivered},
		{"交付 of a card it does not have", Management, nil, telegram{Kind: kindIssued}, "accepted", Delivered},
		{"交付 of a suspended card", Management, func(s *Server) error { return s.Suspend("C1") }, telegram{Kind: kindIssued}, "refused STATE", Suspended},
		{"交付 of an abolished card", Management, func(s *Server) error { return s.Abolish("C1") }, telegram{Kind: kindIssued}, "refused STATE", Abolished},
		{"廃止", Management, func(s *Server) error { return s.Suspend("C1") }, telegram{Kind: kindVoided}, "accepted", Abolished},
		{"廃止 twice", Management, func(s *Server) error { return s.Abolish("C1") }, telegram{Kind: kindVoided}, "refused STATE", Abolished},
		{"廃棄", Management, func(s *Server) error { return s.Abolish("C1") }, telegram{Kind: kindDestroyed}, "accepted", Abolished},
		{"廃棄 of a card that is not void", Management, func(s *Server) error { return s.Register("C1") }, telegram{Kind: kindDestroyed}, "refused STATE", Before},
		{"a certificate is not card management's", Management, nil, telegram{Kind: kindCertificateIssued, Facts: map[string]string{"serial": "0a"}}, "refused KIND", Unregistered},
		{"a card is not the JPKI's", JPKI, nil, telegram{Kind: kindIssued}, "refused KIND", Unregistered},
		{"a certificate", JPKI, nil, telegram{Kind: kindCertificateIssued, Facts: map[string]string{"serial": "0a"}}, "accepted", Unregistered},
		{"a certificate without a number", JPKI, nil, telegram{Kind: kindCertificateIssued}, "refused SERIAL", Unregistered},
		{"a revocation", JPKI, nil, telegram{Kind: kindCertificateRevoked, Facts: map[string]string{"serial": "0a"}}, "accepted", Unregistered},
		{"something else", Management, nil, telegram{Kind: "lost"}, "refused KIND", Unregistered},
		{"out of order", Management, nil, telegram{Kind: kindIssued, Seq: -1}, "refused DISORDER", Unregistered},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s, url := served(t, Options{Role: row.role})
			if row.from != nil {
				if err := row.from(s); err != nil {
					t.Fatal(err)
				}
			}
			row.say.Key, row.say.Card = "k", "C1"
			if row.say.Seq == 0 {
				row.say.Seq = 1
			}
			if got := post(t, url, row.say); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if got := s.Card("C1").Status; got != row.card {
				t.Errorf("the card is %s, want %s", got, row.card)
			}
		})
	}
}

func TestCertificatesAreKeptBySerialNumber(t *testing.T) {
	s, url := served(t, Options{Role: JPKI})
	say := func(key, kind, serial string, seq int64) string {
		return post(t, url, telegram{Key: key, Card: "C1", Order: "O-1", Kind: kind, Seq: seq, Facts: map[string]string{"serial": serial}})
	}
	got := []string{
		say("1", kindCertificateIssued, "0a", 1), say("2", kindCertificateIssued, "0b", 2), say("3", kindCertificateIssued, "0a", 3),
		say("4", kindCertificateRevoked, "0a", 4), say("5", kindCertificateRevoked, "0a", 5),
	}
	if want := []string{"accepted", "accepted", "refused SERIAL", "accepted", "refused SERIAL"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := s.Card("C1").Certificates, map[string]string{"0a": revoked, "0b": "O-1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMalformedCallsAreNoNotices(t *testing.T) {
	s, url := served(t, Options{})
	good := `{"key":"k","card":"C1","kind":"issued","seq":1}`
	rows := []struct{ name, method, path, key, body, want string }{
		{"no JSON", "POST", "/v1/notices", `"k"`, "{", "400"},
		{"no key", "POST", "/v1/notices", `""`, `{"card":"C1"}`, "400"},
		{"another key in the header", "POST", "/v1/notices", `"l"`, good, "400"},
		{"too long", "POST", "/v1/notices", `"k"`, `{"key":"k","order":"` + strings.Repeat("x", requestMax) + `"}`, "400"},
		{"another method", "PUT", "/v1/notices", `"k"`, good, "404"},
		{"another path", "POST", "/v2/notices", `"k"`, good, "404"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			req, err := http.NewRequest(row.method, url+row.path, strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Idempotency-Key", row.key)
			if got := answer(http.DefaultClient.Do(req)); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	if got := s.Counts(); got != (Counts{}) {
		t.Errorf("it took notice: %+v", got)
	}
}

// It is killed at every point of a telegram, and comes back as it was.
func TestItRemembersWhatItSaid(t *testing.T) {
	rows := []struct {
		name  string
		fault FaultKind
		told  string
		asked string
		card  Status
	}{
		{"before anything", LoseCall, "lost", "none", Before},
		{"when it had seen the notice", Die, "lost", "none", Before},
		{"when it had had its effect", DieAfter, "lost", "accepted", Delivered},
		{"afterwards", None, "accepted", "accepted", Delivered},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := Options{File: filepath.Join(t.TempDir(), "ledger")}
			s, url := served(t, o)
			if err := s.Register("C1"); err != nil {
				t.Fatal(err)
			}
			s.OnTell(Fault{Kind: row.fault})
			if got := post(t, url, issued("k", "C1", 1)); got != row.told {
				t.Errorf("it said %q, want %q", got, row.told)
			}
			if row.fault == Die || row.fault == DieAfter {
				if got := get(url, "k"); got != "lost" {
					t.Errorf("a dead one answers %q", got)
				}
				if err := s.Register("C2"); !errors.Is(err, errDead) {
					t.Errorf("a dead one remembers: %v", err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, url := served(t, o)
			if got := get(url, "k"); got != row.asked {
				t.Errorf("afterwards it says %q, want %q", got, row.asked)
			}
			if got := again.Card("C1"); got.Status != row.card || got.Since.IsZero() {
				t.Errorf("afterwards the card is %+v, want %s", got, row.card)
			}
		})
	}
}

func TestATornLastLineWasNeverSaid(t *testing.T) {
	o := Options{File: filepath.Join(t.TempDir(), "ledger")}
	s, url := served(t, o)
	if got := post(t, url, issued("k", "C1", 1)); got != "accepted" {
		t.Fatal(got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(o.File)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	for cut := last; cut < len(whole); cut++ {
		if err := os.WriteFile(o.File, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(o)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got := s.Card("C1").Status; got != Unregistered {
			t.Errorf("cut at %d: the card is %s", cut, got)
		}
		if err := errors.Join(s.Register("C2"), s.Close()); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(o); err != nil || s.Card("C2").Status != Before {
			t.Fatalf("cut at %d: what came after is gone: %v", cut, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(o.File, append([]byte("x"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "line 1 is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestCardsAreListedAPageAtATime(t *testing.T) {
	s, url := served(t, Options{})
	for i := range pageCards + 1 {
		if err := s.Register(fmt.Sprintf("C%04d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Suspend("C0001"); err != nil {
		t.Fatal(err)
	}
	after, pages, cards := "", 0, 0
	for {
		resp, err := http.Get(url + "/v1/cards?after=" + after)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Cards []cardOnPage `json:"cards"`
			Next  string       `json:"next"`
		}
		err = errors.Join(json.NewDecoder(resp.Body).Decode(&page), resp.Body.Close())
		if err != nil {
			t.Fatal(err)
		}
		pages, cards = pages+1, cards+len(page.Cards)
		if pages == 1 && (page.Cards[0].Status != Before || page.Cards[1].Status != Suspended) {
			t.Errorf("got %+v", page.Cards[:2])
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if pages != 2 || cards != pageCards+1 {
		t.Errorf("got %d cards on %d pages", cards, pages)
	}
	_, other := served(t, Options{Role: JPKI})
	if resp, err := http.Get(other + "/v1/cards"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("the JPKI has a list of cards: %v, %v", resp, err)
	}
}

func TestItsOperators(t *testing.T) {
	s, url := served(t, Options{})
	s.OnTell(Fault{Kind: Interrupt})
	if got := post(t, url, issued("k", "C1", 1)); got != "lost" {
		t.Fatal(got)
	}
	if got := post(t, url, issued("k", "C1", 1)); got != "refused UNAUTHORISED" {
		t.Fatal(got)
	}
	if err := errors.Join(s.Unbar("C1"), s.Correct("k")); err != nil {
		t.Fatal(err)
	}
	if got := s.Card("C1").Status; got != Delivered {
		t.Errorf("the card is %s", got)
	}
	if got := get(url, "k"); got != "accepted" {
		t.Errorf("it says %q", got)
	}
	for name, err := range map[string]error{
		"corrected twice": s.Correct("k"), "corrected unseen": s.Correct("l"),
		"taken back from 廃止": errors.Join(s.Abolish("C1"), s.Suspend("C1")),
	} {
		if err == nil {
			t.Errorf("%s", name)
		}
	}
}

func TestAnOutage(t *testing.T) {
	s, url := served(t, Options{})
	s.Down()
	if got := post(t, url, issued("k", "C1", 1)) + " " + get(url, "k"); got != "lost lost" {
		t.Errorf("got %q", got)
	}
	s.Up()
	if got := get(url, "k") + " " + post(t, url, issued("k", "C1", 1)); got != "none accepted" {
		t.Errorf("got %q", got)
	}
}

func TestTheSameSeedIsTheSameFaults(t *testing.T) {
	run := func(seed uint64) []Fault {
		s, err := Open(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Seeded(seed, 0.5)
		var all []Fault
		for i := range 200 {
			all = append(all, s.script.next(i%3 == 0))
		}
		return all
	}
	one := run(1)
	if !reflect.DeepEqual(one, run(1)) || reflect.DeepEqual(one, run(2)) {
		t.Error("a seed does not decide over the faults")
	}
	kinds := map[FaultKind]int{}
	for _, f := range one {
		kinds[f.Kind]++
	}
	if kinds[None] < 60 || kinds[None] > 140 || kinds[Die] > 0 || kinds[DieAfter] > 0 || len(kinds) < 8 {
		t.Errorf("got %v", kinds)
	}
}

func TestParseFault(t *testing.T) {
	for _, k := range append(Faults(), None) {
		for text, want := range map[string]Fault{k.String(): {Kind: k}, k.String() + ":90s": {Kind: k, For: 90 * time.Second}} {
			if got, err := ParseFault(text); err != nil || got != want {
				t.Errorf("%s: got %+v, %v", text, got, err)
			}
		}
	}
	for _, text := range []string{"", "lost", "late:", "late:soon", "late:-1s", "lateness"} {
		if f, err := ParseFault(text); err == nil {
			t.Errorf("%q is %+v", text, f)
		}
	}
}
