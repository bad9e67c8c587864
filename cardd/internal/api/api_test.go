package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/api"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// served is a daemon behind its socket, with a simulated desk.
type served struct {
	*client.Client
	daemon *daemon.Daemon
	desk   *simulator.Desk
	card   *simulator.Card
	socket string
	http   *http.Client
}

func serve(t *testing.T, lab bool) *served {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("CARDD_STATE_DIR", filepath.Join(dir, "state"))
	t.Setenv("CARDD_SOCKET", filepath.Join(dir, "s"))
	if lab {
		t.Setenv("CARDD_LAB", "true")
	}
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{Client: client.New(c.Socket), desk: simulator.NewDesk("Desk 0", "Desk 1"), socket: c.Socket}
	s.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", c.Socket)
	}}}
	s.card, err = simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, Master: simulator.LabTestKey})
	if err != nil {
		t.Fatal(err)
	}
	s.desk.Insert(0, s.card)
	s.run(t, c)
	return s
}

func (s *served) run(t *testing.T, c *config.Config) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	hub := api.NewHub()
	var server *api.Server
	d, err := daemon.Open(t.Context(), c, daemon.Options{
		Readers: s.desk, Log: log, Watch: hub.Tell, Lab: func(job string, l station.Lab) { server.KeepLab(job, l) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.daemon = d
	ctx, stop := context.WithCancel(context.Background())
	server = api.New(ctx, d, hub, log)
	l, err := api.Listen(c.Socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(ctx, l, time.Minute) }()
	go func() { ended <- d.Ship(ctx) }()
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		stop()
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Errorf("serving ended with %v", err)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// applicant is a person's order in wire form, and the PINs.
func applicant(t *testing.T, name string) (wire, pins []byte) {
	t.Helper()
	p, err := people.Get(name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := people.Write(dir, p); err != nil {
		t.Fatal(err)
	}
	wire, err = order.Inline(dir, p.Order)
	if err != nil {
		t.Fatal(err)
	}
	return wire, p.PINs
}

func (s *served) issue(t *testing.T, name string, lab bool) (*client.Job, []client.Event) {
	t.Helper()
	wire, pins := applicant(t, name)
	job, err := s.Issue(t.Context(), wire, pins, lab)
	if err != nil {
		t.Fatal(err)
	}
	var events []client.Event
	if err := s.Watch(t.Context(), job.ID, func(e client.Event) bool { events = append(events, e); return true }); err != nil {
		t.Fatal(err)
	}
	job, err = s.Job(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	return job, events
}

func TestIssueThroughTheSocket(t *testing.T) {
	s := serve(t, true)
	job, events := s.issue(t, "adult", true)
	if job.State != "done" || job.Code != "" || job.Card != s.card.ID() {
		t.Fatalf("job ended as %+v", job)
	}
	last := events[len(events)-1]
	if last.State != "done" || last.Done != last.Total || last.Total < 50 {
		t.Errorf("last event is %+v", last)
	}
	b, err := s.Receipt(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.ReceiptKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st, err := receipt.Verify(b, key)
	if err != nil {
		t.Fatal(err)
	}
	if st.Job != job.ID || st.Card != job.Card || len(st.Certificates) != 2 || len(st.Steps) != last.Total {
		t.Errorf("receipt says %+v after %d steps", st, last.Total)
	}
	lab, err := s.Lab(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	photo, err := lab.Image()
	if err != nil || !bytes.HasPrefix(photo, []byte("\x00\x00\x00\x0cjP  ")) || len(lab.Certificates) != 4 || lab.ATR != "3BE000FF8131FE4514" {
		t.Errorf("lab data: ATR %s, %d certificates, %d bytes of photo, %v", lab.ATR, len(lab.Certificates), len(photo), err)
	}
	records, err := s.Records(t.Context(), job.ID)
	if err != nil || len(records) < 2*last.Total {
		t.Errorf("%d records of %d steps, %v", len(records), last.Total, err)
	}
}

func TestEventsAreToldAgainFromTheLastOneSeen(t *testing.T) {
	s := serve(t, false)
	job, events := s.issue(t, "under15", false)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://cardd/v1/jobs/"+job.ID+"/events", nil)
	req.Header.Set("Last-Event-ID", "10")
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(b), "data: "); got != len(events)-10 {
		t.Errorf("%d events behind the tenth of %d", got, len(events))
	}
	if !strings.Contains(string(b), "id: 11\n") || !strings.Contains(string(b), "event: progress\n") {
		t.Errorf("the first event told again is not the eleventh")
	}
}

func TestAPlanWritesNothing(t *testing.T) {
	s := serve(t, false)
	wire, _ := applicant(t, "adult")
	before, err := s.Plan(t.Context(), wire)
	if err != nil {
		t.Fatal(err)
	}
	if before.Blank || before.Plan.Card != s.card.ID() || before.APDUs < 50 || len(before.Irreversible) != 2 || before.Seconds < 20 {
		t.Errorf("plan: blank %v, card %s, %d APDUs, %v s, irreversible %v", before.Blank, before.Plan.Card, before.APDUs, before.Seconds, before.Irreversible)
	}
	s.desk.Remove(0)
	without, err := s.Plan(t.Context(), wire)
	if err != nil {
		t.Fatal(err)
	}
	if !without.Blank || without.APDUs != before.APDUs {
		t.Errorf("without a card: blank %v, %d APDUs, with one %d", without.Blank, without.APDUs, before.APDUs)
	}
	jobs, err := s.Jobs(t.Context())
	if err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

func TestRefusals(t *testing.T) {
	s := serve(t, false)
	wire, pins := applicant(t, "adult")
	_, short := applicant(t, "under15")
	tests := map[string]struct {
		body, contentType string
		status            int
		code              string
	}{
		"not JSON":                    {"{", "application/json", 422, "API-REQUEST"},
		"an unknown member":           {`{"order":{},"extra":1}`, "application/json", 422, "API-REQUEST"},
		"an empty order":              {`{"order":{}}`, "application/json", 422, ""},
		"lab data without lab":        {`{"order":` + string(wire) + `,"pins":` + string(pins) + `,"lab":true}`, "application/json", 403, "API-NOT-LAB"},
		"a PIN class missing":         {`{"order":` + string(wire) + `,"pins":` + string(short) + `}`, "application/json", 422, ""},
		"no PINs":                     {`{"order":` + string(wire) + `}`, "application/json", 422, ""},
		"CBOR with a key twice":       {"\xa2\x65order\xa0\x65order\xa0", "application/cbor", 422, "API-REQUEST"},
		"a body longer than allowed":  {strings.Repeat(" ", int(s.daemon.Config.Limits.RequestBytes)+1), "application/json", 413, "API-REQUEST"},
		"an order in CBOR that is no": {"\xa1\x65order\xa0", "application/cbor", 422, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			resp, err := s.http.Post("http://cardd/v1/jobs", test.contentType, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var f client.Failure
			if err := json.NewDecoder(resp.Body).Decode(&f); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status || f.Code == "" || f.Text == "" || (test.code != "" && f.Code != test.code) {
				t.Errorf("answered %d with %+v", resp.StatusCode, f)
			}
		})
	}
	if jobs, _ := s.Jobs(t.Context()); len(jobs) != 0 {
		t.Errorf("%d jobs came of it", len(jobs))
	}
}

func TestAnOrderInCBORIsTheSameOrder(t *testing.T) {
	s := serve(t, false)
	wire, _ := applicant(t, "adult")
	var v map[string]any
	if err := json.Unmarshal(wire, &v); err != nil {
		t.Fatal(err)
	}
	v["version"] = 1 // an integer, which JSON's decoder made a float of
	b, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://cardd/v1/plan", bytes.NewReader(b))
	req.Header.Set("Content-Type", "application/cbor")
	req.Header.Set("Accept", "application/cbor")
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		APDUs int `cbor:"apdus"`
	}
	if err := cbor.Unmarshal(answer, &got); err != nil || resp.StatusCode != 200 {
		t.Fatalf("answered %d, %v: %s", resp.StatusCode, err, answer)
	}
	want, err := s.Plan(t.Context(), wire)
	if err != nil || got.APDUs != want.APDUs {
		t.Errorf("planned %d APDUs from CBOR and %d from JSON, %v", got.APDUs, want.APDUs, err)
	}
}

func TestOpenAPIDescribesEveryPath(t *testing.T) {
	s := serve(t, false)
	resp, err := s.http.Get("http://cardd/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("OpenAPI version %q", doc.OpenAPI)
	}
	for _, path := range []string{"/v1/readers", "/v1/plan", "/v1/jobs", "/v1/jobs/{id}", "/v1/jobs/{id}/records", "/v1/jobs/{id}/resume",
		"/v1/jobs/{id}/receipt", "/v1/jobs/{id}/events", "/v1/jobs/{id}/lab", "/v1/receipt-key",
		"/v1/jobs/{id}/abandon", "/v1/quarantine", "/v1/quarantine/{id}", "/v1/quarantine/{id}/confirm"} {
		if _, ok := doc.Paths[path]; !ok {
			t.Errorf("%s is not described", path)
		}
	}
}

func TestTheSocketIsForItsUserAlone(t *testing.T) {
	s := serve(t, false)
	info, err := os.Stat(s.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket mode %v, %v", info.Mode(), err)
	}
	if _, err := api.Listen(s.socket); err == nil || !strings.Contains(err.Error(), "another cardd") {
		t.Errorf("a second daemon on the socket: %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	c := client.New(filepath.Join(t.TempDir(), "none"))
	if _, err := c.Jobs(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("error is %v", err)
	}
}

func TestUnknownJob(t *testing.T) {
	s := serve(t, false)
	_, err := s.Job(t.Context(), "none")
	var f *client.Failure
	if !errors.As(err, &f) || f.Status != 404 || f.Code != "API-NO-JOB" || f.Japanese == "" {
		t.Errorf("error is %#v", err)
	}
}

func TestTwoCardsAndNone(t *testing.T) {
	s := serve(t, false)
	other, err := simulator.NewBlank(simulator.Options{Master: simulator.LabTestKey})
	if err != nil {
		t.Fatal(err)
	}
	wire, pins := applicant(t, "adult")
	s.desk.Insert(1, other)
	_, err = s.Issue(t.Context(), wire, pins, false)
	var f *client.Failure
	if !errors.As(err, &f) || f.Code != "READER-TWO-CARDS" {
		t.Errorf("with two cards: %v", err)
	}
	s.desk.Remove(0)
	s.desk.Remove(1)
	if _, err = s.Issue(t.Context(), wire, pins, false); !errors.As(err, &f) || f.Code != "READER-NO-CARD" {
		t.Errorf("without a card: %v", err)
	}
	if readers, err := s.Readers(t.Context()); err != nil || len(readers) != 2 || readers[0].Present {
		t.Errorf("readers: %+v, %v", readers, err)
	}
}

func TestAnIssuedCardIsRefused(t *testing.T) {
	s := serve(t, false)
	if job, _ := s.issue(t, "adult", false); job.State != "done" {
		t.Fatalf("job ended as %+v", job)
	}
	wire, pins := applicant(t, "elderly")
	_, err := s.Issue(t.Context(), wire, pins, false)
	var f *client.Failure
	if !errors.As(err, &f) || f.Code != "CARD-ISSUED" {
		t.Errorf("error is %v", err)
	}
}
