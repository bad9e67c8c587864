package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var sample = Notice{Key: "job-1.C1.issued", Card: "C1", Order: "O-1", Kind: Issued, Seq: 7, Facts: map[string]string{FactStation: "市民課 窓口1"}}

// partyAt is a party behind a server of ours.
func partyAt(t testing.TB, h http.HandlerFunc) *HTTP {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	p, err := NewHTTP(HTTPConfig{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// says answers everything with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestTellIsAYesOnlyWhenThePartySaysSo(t *testing.T) {
	const yes = `{"key":"job-1.C1.issued","state":"accepted","card":"C1","kind":"issued","at":"2026-04-01T00:00:00Z"}`
	const no = `{"key":"job-1.C1.issued","state":"refused","card":"C1","kind":"issued","code":"STATE"}`
	rows := []struct {
		name   string
		answer http.HandlerFunc
		want   string // yes, no, no! for unauthorised, lost or nonsense
	}{
		{"a yes", says(200, yes), "yes"},
		{"a yes with more in it", says(200, strings.Replace(yes, "{", `{"more":[1,2],`, 1)), "yes"},
		{"a no", says(409, no), "no"},
		{"a no for unauthorised access", says(409, strings.Replace(no, "{", `{"unauthorised":true,`, 1)), "no!"},
		{"a yes with a no's status", says(409, yes), "nonsense"},
		{"a no with a yes's status", says(200, no), "nonsense"},
		{"a yes for another key", says(200, strings.Replace(yes, "job-1", "job-2", 1)), "nonsense"},
		{"a yes for another card", says(200, strings.Replace(yes, `"C1"`, `"C2"`, 1)), "nonsense"},
		{"a yes for another kind", says(200, strings.Replace(yes, `"issued"`, `"voided"`, 1)), "nonsense"},
		{"a no for another key", says(409, strings.Replace(no, "job-1", "job-2", 1)), "nonsense"},
		{"a relay's page", says(200, "<html>welcome</html>"), "nonsense"},
		{"a relay's refusal", says(403, "forbidden"), "nonsense"},
		{"a path that is wrong", says(404, "not found"), "nonsense"},
		{"a relay that is busy", says(503, no), "nonsense"},
		{"nothing at all", says(200, ""), "nonsense"},
		{"two answers", says(200, yes+yes), "nonsense"},
		{"a torn answer", says(200, yes[:40]), "nonsense"},
		{"an answer without end", says(200, `{"key":"`+strings.Repeat("x", answerMax)+`"}`), "nonsense"},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*headersMax))
			_, _ = io.WriteString(w, yes)
		}, "lost"},
		{"a redirection", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/v1/other", http.StatusTemporaryRedirect)
		}, "nonsense"},
		{"a line that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "lost"},
		{"an answer that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, yes)
		}, "lost"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var calls atomic.Int32
			p := partyAt(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				row.answer(w, r)
			})
			if got := told(p.Tell(t.Context(), sample)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("%d telegrams went out", n)
			}
		})
	}
}

// told names what Tell gave.
func told(err error) string {
	var no *Refusal
	switch {
	case err == nil:
		return "yes"
	case errors.As(err, &no) && no.Unauthorised:
		return "no!"
	case errors.As(err, &no):
		return "no"
	case errors.Is(err, errAnswer):
		return "nonsense"
	case errors.Is(err, ErrUnreachable):
		return "lost"
	}
	return err.Error()
}

func TestAskLearnsOnlyWhatThePartySays(t *testing.T) {
	const known = `{"key":"k","state":"%s","card":"C1","kind":"issued","code":"%s"}`
	rows := []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"nothing there", 200, `{"key":"k","state":"none"}`, "none  -"},
		{"accepted", 200, fmt.Sprintf(known, "accepted", "OK"), "accepted C1 OK"},
		{"refused", 200, fmt.Sprintf(known, "refused", "BARRED"), "refused C1 BARRED"},
		{"a code that is a text", 200, fmt.Sprintf(known, "refused", "山田 太郎"), "refused C1 -"},
		{"a state of ours", 200, fmt.Sprintf(known, "unknown", ""), "nonsense"},
		{"no state", 200, `{"key":"k"}`, "nonsense"},
		{"another key", 200, strings.Replace(fmt.Sprintf(known, "accepted", ""), `"k"`, `"l"`, 1), "nonsense"},
		// A 404 is what every wrong path answers: it does not mean that nothing is there.
		{"not found", 404, `{"key":"k","state":"none"}`, "nonsense"},
		{"an empty object", 200, `{}`, "nonsense"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k, err := partyAt(t, says(row.status, row.body)).Ask(t.Context(), "k")
			got := fmt.Sprintf("%s %s %s", k.State, k.Card, k.Code)
			if err != nil {
				got = told(err)
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestTheTelegramIsAsDescribed(t *testing.T) {
	p := partyAt(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := `{"key":"job-1.C1.issued","card":"C1","order":"O-1","kind":"issued","seq":7,"at":"0001-01-01T00:00:00Z","facts":{"station":"市民課 窓口1"}}`
		if r.Method != http.MethodPost || r.URL.Path != "/v1/notices" || string(body) != want {
			t.Errorf("got %s %s %s", r.Method, r.URL, body)
		}
		if got := r.Header.Get("Idempotency-Key"); got != `"job-1.C1.issued"` {
			t.Errorf("the key is %s in the header", got)
		}
	})
	_ = p.Tell(t.Context(), sample) // the answer is another test's
}

// net/http repeats a request on its own when a kept connection breaks and the
// request calls itself idempotent. A telegram must not: the first one may have
// arrived. The control shows that the trap is there.
func TestNothingBelowRepeatsATelegram(t *testing.T) {
	for _, row := range []struct {
		name string
		call func(h *HTTP, url string) error
		want int32
	}{
		{"ours goes out once", func(h *HTTP, _ string) error { return h.Tell(context.Background(), sample) }, 1},
		{"the same with a body that can be got again", func(h *HTTP, url string) error {
			body, _ := json.Marshal(telegram(sample))
			req, err := http.NewRequest(http.MethodPost, url+pathNotices, strings.NewReader(string(body)))
			if err != nil {
				return err
			}
			req.Header.Set(keyHeader, sample.Key)
			resp, err := h.client.Do(req)
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			var posts atomic.Int32
			p := partyAt(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					posts.Add(1)
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, `{"key":"k","state":"none"}`)
			})
			if _, err := p.Ask(t.Context(), "k"); err != nil { // the connection is kept
				t.Fatal(err)
			}
			if err := row.call(p, p.base); err == nil {
				t.Error("a broken line went well")
			}
			if got := posts.Load(); got != row.want {
				t.Errorf("%d telegrams arrived, want %d", got, row.want)
			}
		})
	}
}

func TestATelegramEndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	p := partyAt(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if got := told(p.Tell(ctx, sample)); got != "lost" {
		t.Errorf("got %s", got)
	}
	<-arrived
}

func TestTheErrorDoesNotRepeatTheAddress(t *testing.T) {
	p, err := NewHTTP(HTTPConfig{URL: "unix://" + filepath.Join(t.TempDir(), "none")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Ask(t.Context(), "job-1.1234567890123456.issued")
	if told(err) != "lost" || strings.Contains(err.Error(), "1234567890123456") {
		t.Errorf("got %v", err)
	}
}

func TestAddresses(t *testing.T) {
	rows := []struct {
		url  string
		good bool
	}{
		{"https://management.example/cardd", true},
		{"https://10.0.0.1:8443", true},
		{"unix:///run/jukinet.sock", true},
		{"http://127.0.0.1:8080", true},
		{"http://[::1]:8080/", true},
		{"http://localhost", true},
		{"http://management.example", false}, // in the clear over a network
		{"http://10.0.0.1", false},
		{"https://user:secret@management.example", false},
		{"https://management.example/?key=1", false},
		{"https://", false},
		{"unix://host/path", false},
		{"unix://", false},
		{"ftp://management.example", false},
		{"management.example", false},
		{"", false},
		{"https://[", false},
	}
	for _, row := range rows {
		t.Run(row.url, func(t *testing.T) {
			_, err := NewHTTP(HTTPConfig{URL: row.url})
			if (err == nil) != row.good {
				t.Errorf("got %v, want it taken: %t", err, row.good)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v repeats a secret", err)
			}
		})
	}
}

func TestBothSidesShowTheirCertificates(t *testing.T) {
	srv := httptest.NewUnstartedServer(says(200, `{"key":"k","state":"none"}`))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	rows := []struct {
		name string
		tls  *tls.Config
		want string
	}{
		{"both known", &tls.Config{RootCAs: roots, Certificates: srv.TLS.Certificates}, "none"},
		{"we are nobody", &tls.Config{RootCAs: roots}, "lost"},
		{"they are nobody", nil, "lost"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p, err := NewHTTP(HTTPConfig{URL: srv.URL, TLS: row.tls})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			k, err := p.Ask(t.Context(), "k")
			got := string(k.State)
			if err != nil {
				got = told(err)
			}
			if got != row.want {
				t.Errorf("got %s (%v), want %s", got, err, row.want)
			}
		})
	}
}

func TestAClosedSenderHasNothingUnderWay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := dialOnce(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = there.Close() }()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	// Reset, not an orderly end: what was not sent is gone.
	if _, err := there.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestCardsComeAPageAtATime(t *testing.T) {
	rows := []struct{ name, body, want string }{
		{"a page", `{"cards":[{"card":"C1","status":"before"},{"card":"C2","status":"barred"}],"next":"C2"}`, "C1 before C2 barred next C2"},
		{"the last", `{"cards":[],"next":""}`, "next "},
		{"a status there is not", `{"cards":[{"card":"C1","status":"lost"}]}`, "nonsense"},
		{"a status that is ours", `{"cards":[{"card":"C1","status":"unasked"}]}`, "nonsense"},
		{"a card without a number", `{"cards":[{"card":"","status":"before"}]}`, "nonsense"},
		{"no list", `{"next":"C1"}`, "nonsense"},
		{"a page that leads back", `{"cards":[],"next":"B"}`, "nonsense"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := partyAt(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.Query().Get("after"); r.URL.Path != "/v1/cards" || got != "C" {
					t.Errorf("asked %s", r.URL)
				}
				_, _ = io.WriteString(w, row.body)
			})
			page, next, err := p.Cards(t.Context(), "C")
			got := ""
			for _, v := range page {
				got += v.Card + " " + string(v.Status) + " "
			}
			got += "next " + next
			if err != nil {
				got = told(err)
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// Whatever comes back, it is a yes only when it is one: never a panic, never a word
// of the other side's text in an error.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"key":"job-1.C1.issued","state":"accepted","card":"C1","kind":"issued"}`, `{"key":"job-1.C1.issued","state":"refused","code":"X"}`,
		`{"key":"job-1.C1.issued","state":"none"}`, `{"cards":[{"card":"C1","status":"before"}],"next":"C1"}`, `[]`, ``, `{"key":null}`,
	} {
		f.Add(200, []byte(body))
		f.Add(409, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		h := &HTTP{base: "http://localhost", client: &http.Client{Transport: canned{status, body}}}
		err := h.Tell(t.Context(), sample)
		var a answer
		decoded := json.Unmarshal(body, &a) == nil
		if err == nil && (!decoded || status != 200 || a.Key != sample.Key || a.Card != sample.Card || a.State != Accepted) {
			t.Errorf("%d %q was taken for a yes", status, body)
		}
		if _, err := h.Ask(t.Context(), sample.Key); err != nil && told(err) != "nonsense" {
			t.Errorf("%d %q: %v", status, body, err)
		}
		if _, _, err := h.Cards(t.Context(), ""); err != nil && told(err) != "nonsense" {
			t.Errorf("%d %q: %v", status, body, err)
		}
	})
}

// canned answers every request alike.
type canned struct {
	status int
	body   []byte
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader(string(c.body)))}, nil
}
