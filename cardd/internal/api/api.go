// Package api is cardd's HTTP API over a unix socket: JSON and CBOR, OpenAPI at
// /openapi.json, progress as server-sent events. It translates between the wire
// and the station and decides nothing but who may ask.
package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/scrub"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/reader"
)

// Server answers requests and runs the jobs they start.
type Server struct {
	d    *daemon.Daemon
	hub  *Hub
	log  *slog.Logger
	ctx  context.Context // of the jobs: it ends when the daemon stops
	jobs sync.WaitGroup
	mu   sync.Mutex
	lab  map[string]*client.Lab // by job; nil until the card is done, absent where nobody asked

	sweep *scrub.Sweeper // after whatever carried an order
}

// New is a server for a daemon whose station tells hub its events. ctx bounds the
// jobs, not the requests.
func New(ctx context.Context, d *daemon.Daemon, hub *Hub, log *slog.Logger) *Server {
	return &Server{d: d, hub: hub, log: log, ctx: ctx, lab: map[string]*client.Lab{}, sweep: scrub.New()}
}

// Wait returns when no job runs any more.
func (s *Server) Wait() { s.jobs.Wait() }

// Config is the API's description without any operation.
func config() huma.Config {
	c := huma.DefaultConfig("cardd", "1")
	c.Info.Description = "Issues My Number cards at one station."
	c.CreateHooks = nil // no $schema in answers
	c.DocsPath = ""     // its page would load a script from elsewhere
	c.Formats = formats()
	c.DefaultFormat = "application/json"
	return c
}

func init() { huma.NewError = newError }

// Handler is the API as an http.Handler.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	a := humago.New(mux, config())
	huma.Get(a, "/v1/readers", s.readers, summary("List the readers"))
	most := s.d.Config.Limits.RequestBytes
	huma.Register(a, orderOperation("plan", "/v1/plan", "Plan for an order; nothing is written", most), s.plan)
	huma.Register(a, orderOperation("issue", "/v1/jobs", "Hand an order in; the job runs by itself", most), s.issue)
	huma.Get(a, "/v1/printers", s.printers, summary("List the configured card printers with what each says of itself"))
	huma.Get(a, "/v1/printers/{name}", s.printer, summary("Show a card printer"))
	huma.Post(a, "/v1/printers/{name}/test-card", s.testCard, summary("Have a printer without a card inside print its own test card"))
	huma.Post(a, "/v1/printers/{name}/clean", s.clean, summary("Have a printer without a card inside clean itself"))
	huma.Post(a, "/v1/printers/{name}/emptied", s.emptied, summary("Say that no card is inside a printer any more"))
	huma.Get(a, "/v1/jobs", s.list, summary("List the latest jobs"))
	huma.Get(a, "/v1/jobs/{id}", s.show, summary("Show a job"))
	huma.Get(a, "/v1/jobs/{id}/records", s.records, summary("Show a job's history"))
	huma.Post(a, "/v1/jobs/{id}/resume", s.resume, summary("Let a held job go on"))
	huma.Post(a, "/v1/jobs/{id}/abandon", s.abandon, summary("Give up a job that is not done; a card that was written to goes into quarantine"))
	huma.Get(a, "/v1/quarantine", s.quarantine, summary("List the cards that must not be used"))
	huma.Post(a, "/v1/quarantine/{id}", s.putAside, summary("Put the card of a job into quarantine"))
	huma.Post(a, "/v1/quarantine/{id}/confirm", s.confirm, summary("Confirm that a card in quarantine was destroyed; two persons are needed"))
	huma.Get(a, "/v1/jobs/{id}/receipt", s.receipt, summary("Get the receipt of a finished job"))
	huma.Get(a, "/v1/jobs/{id}/lab", s.labData, summary("Get what a laboratory's other programs need"))
	huma.Get(a, "/v1/reconcile", s.reconcile, summary("List the cards on which terminal, card management and chip do not agree"))
	huma.Post(a, "/v1/reconcile", s.mend, summary("List them, and tell card management what may be told"))
	huma.Post(a, "/v1/notices/{key}/release", s.release, summary("Let a notice go on that waits for a person"))
	s.authorityRoutes(a, mux)
	huma.Get(a, "/v1/receipt-key", s.receiptKey, summary("Get the key that verifies this station's receipts"))
	sse.Register(a, huma.Operation{OperationID: "follow-job", Method: http.MethodGet, Path: "/v1/jobs/{id}/events", Summary: "Follow a job"},
		map[string]any{"progress": client.Event{}}, s.follow)
	return allow(mux)
}

func summary(text string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Summary = text }
}

// JobPath is the job a path names; huma reads embedded fields of exported types only.
type JobPath struct {
	ID string `path:"id" maxLength:"64" doc:"job number"`
}

type body[T any] struct{ Body T }

func (s *Server) readers(ctx context.Context, _ *struct{}) (*body[[]client.Reader], error) {
	lister, ok := s.d.Readers.(reader.Lister)
	if !ok {
		return &body[[]client.Reader]{Body: []client.Reader{}}, nil
	}
	states, err := lister.Readers(ctx)
	if err != nil {
		return nil, asFailure(station.Coded(err))
	}
	return &body[[]client.Reader]{Body: Readers(states)}, nil
}

// Readers puts reader states into the API's form.
func Readers(states []reader.State) []client.Reader {
	out := make([]client.Reader, len(states))
	for i, st := range states {
		out[i] = client.Reader{Name: st.Name, Present: st.Present, Mute: st.Mute, ATR: st.ATR.String()}
	}
	return out
}

func (s *Server) plan(ctx context.Context, in *orderInput) (*body[client.Draft], error) {
	o, wire, err := readOrder(in.RawBody, in.ContentType, s.d.Station.Checks())
	if err != nil {
		return nil, asFailure(err)
	}
	defer o.Destroy()
	draft, err := s.d.Station.Plan(ctx, o, wire)
	if err != nil {
		return nil, asFailure(err)
	}
	return &body[client.Draft]{Body: Draft(draft.Plan, draft.Blank)}, nil
}

// Draft puts a plan into the API's form.
func Draft(p *plan.Plan, blank bool) client.Draft {
	cost := p.Cost()
	out := client.Draft{Plan: p, Digest: p.Digest(), Blank: blank, APDUs: cost.APDUs, Sent: cost.Sent, Received: cost.Received, Seconds: plan.Contact.Seconds(p)}
	for _, st := range p.Steps {
		if st.Irreversible {
			out.Irreversible = append(out.Irreversible, st.ID)
		}
	}
	return out
}

func (s *Server) issue(ctx context.Context, in *orderInput) (*body[client.Job], error) {
	defer s.sweep.Soon()
	defer clear(in.RawBody)
	r, err := parseIssue(in.RawBody, in.ContentType)
	if err != nil {
		return nil, asFailure(err)
	}
	defer r.clear()
	if r.lab && !s.d.Config.Lab {
		return nil, asFailure(failure.New(failure.APINotLab, "", nil))
	}
	job, err := s.submit(ctx, r)
	if err == nil {
		err = s.again(ctx, job)
	}
	if err != nil {
		return nil, asFailure(err)
	}
	if r.lab {
		s.wantLab(job)
	}
	s.start(job, false)
	return s.job(ctx, job)
}

// again lets a held job go on whose order was handed in once more. After a print of
// which nobody knows the end a person must look first: that is resumed by name.
func (s *Server) again(ctx context.Context, id string) error {
	j, err := s.d.Journal.Job(ctx, id)
	if err != nil || j.State != journal.Held || strings.HasPrefix(j.Reason, string(failure.PrintDoubt)) {
		return err
	}
	return s.d.Of(ctx, id).Resume(ctx, id, false)
}

// submit reads order and PINs, judges one by the other, and makes the job durable.
func (s *Server) submit(ctx context.Context, r *issueRequest) (string, error) {
	at, err := s.d.At(r.station)
	if err != nil {
		return "", err
	}
	o, wire, err := readOrder(r.order, r.contentType, at.ChecksOf(ctx, r.order))
	if err != nil {
		return "", err
	}
	defer o.Destroy()
	if r.lab && !o.Municipality.Invented() {
		return "", failure.New(failure.APINotLab, "the order is not of an invented municipality", nil)
	}
	pins, err := r.parsePINs()
	if err != nil {
		return "", err
	}
	if err := pins.Check(o.Eligibility()); err != nil {
		pins.Destroy()
		return "", err
	}
	return at.Submit(ctx, o, wire, pins)
}

// start runs a job in the background.
func (s *Server) start(job string, resumed bool) {
	s.jobs.Go(func() {
		defer s.sweep.Soon()
		if err := s.d.Of(s.ctx, job).Run(s.ctx, job); err != nil {
			s.log.Error("job stopped", "job", job, "resumed", resumed, "error", err)
			f := asFailure(err)
			s.hub.Tell(station.Event{Job: job, State: issue.Held, Code: f.Code, Text: f.Text})
		}
		s.d.Wake()
	})
}

// Recovered runs what the daemon's last life left running.
func (s *Server) Recovered(ctx context.Context) error {
	jobs, err := s.d.Journal.Unfinished(ctx)
	if err != nil {
		return err
	}
	s.jobs.Go(func() {
		for _, j := range jobs {
			if j.State != journal.Running {
				continue
			}
			if err := s.d.Of(s.ctx, j.ID).Run(s.ctx, j.ID); err != nil {
				s.log.Error("job stopped", "job", j.ID, "error", err)
			}
		}
	})
	return nil
}

func (s *Server) list(ctx context.Context, _ *struct{}) (*body[[]client.Job], error) {
	jobs, err := s.d.Journal.Jobs(ctx, jobsListed)
	if err != nil {
		return nil, asFailure(err)
	}
	out := make([]client.Job, len(jobs))
	for i, j := range jobs {
		out[i] = jobOf(j)
	}
	return &body[[]client.Job]{Body: out}, nil
}

// jobsListed bounds one listing.
const jobsListed = 200

func (s *Server) show(ctx context.Context, in *JobPath) (*body[client.Job], error) {
	return s.job(ctx, in.ID)
}

func (s *Server) job(ctx context.Context, id string) (*body[client.Job], error) {
	j, err := s.d.Journal.Job(ctx, id)
	if err != nil {
		return nil, asFailure(err)
	}
	out := jobOf(j)
	if j.Operation == order.Endorse {
		out.Left = s.left(ctx, j)
	}
	return &body[client.Job]{Body: out}, nil
}

// left are the free lines of a card's 追記欄; nil where nobody knows.
func (s *Server) left(ctx context.Context, j journal.Job) *int {
	n, ok, err := s.d.Station.LinesLeft(ctx, j.Profile, j.CardID)
	if err != nil {
		s.log.Warn("a card's panel does not read", "job", j.ID, "reason", err)
	}
	if !ok {
		return nil
	}
	return &n
}

func jobOf(j journal.Job) client.Job {
	code, reason, ok := strings.Cut(j.Reason, ": ")
	if !ok {
		code, reason = "", j.Reason
	}
	return client.Job{
		ID: j.ID, Order: j.OrderID, Card: j.CardID, Station: j.Station, Profile: j.Profile, Product: j.Product, Operation: j.Operation,
		State: j.State, Code: code, Reason: reason, Done: j.Done, Total: j.Total,
		Created: j.Created.UTC().Format(time.RFC3339Nano), Updated: j.Updated.UTC().Format(time.RFC3339Nano),
	}
}

func (s *Server) records(ctx context.Context, in *JobPath) (*body[[]client.Record], error) {
	records, err := s.d.Journal.Records(ctx, in.ID)
	if err != nil {
		return nil, asFailure(err)
	}
	out := make([]client.Record, len(records))
	for i, r := range records {
		var rec issue.Record
		if err := json.Unmarshal(r.Body, &rec); err != nil {
			return nil, asFailure(failure.New(failure.StationJournal, err.Error(), err))
		}
		out[i] = client.Record{Seq: r.Seq, At: r.At.UTC().Format(time.RFC3339Nano), Kind: string(r.Kind), Step: r.Step,
			Result: string(rec.Result), Code: rec.Code, Text: rec.Text}
	}
	return &body[[]client.Record]{Body: out}, nil
}

type resumeInput struct {
	JobPath
	Body struct {
		Printed  bool `json:"printed,omitempty" doc:"a person saw the face printed"`
		TakenOut bool `json:"taken_out,omitempty" doc:"a person took the card out of the printer and laid it on its hopper"`
	}
}

func (s *Server) resume(ctx context.Context, in *resumeInput) (*body[client.Job], error) {
	at := s.d.Of(ctx, in.ID)
	proceed := func() error { return at.Resume(ctx, in.ID, in.Body.Printed) }
	if in.Body.TakenOut {
		proceed = func() error { return at.TakenOut(ctx, in.ID, in.Body.Printed) }
	}
	if err := proceed(); err != nil {
		return nil, asFailure(err)
	}
	s.start(in.ID, true)
	return s.job(ctx, in.ID)
}

type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) receipt(ctx context.Context, in *JobPath) (*rawOutput, error) {
	b, err := s.d.Station.Receipt(ctx, in.ID)
	if err != nil {
		return nil, asFailure(err)
	}
	if b == nil {
		return nil, asFailure(failure.New(failure.APINoReceipt, in.ID, nil))
	}
	return &rawOutput{ContentType: "application/cose", Body: b}, nil
}

func (s *Server) receiptKey(context.Context, *struct{}) (*rawOutput, error) {
	return &rawOutput{ContentType: "application/x-pem-file", Body: s.d.Receipts.Public()}, nil
}

// wantLab notes that a job's card is wanted by other programs.
func (s *Server) wantLab(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lab[job] = nil
}

// KeepLab is what the station of a laboratory calls when a card is done. What nobody
// asked for is not kept.
func (s *Server) KeepLab(job string, l station.Lab) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, wanted := s.lab[job]; !wanted {
		return
	}
	out := &client.Lab{ATR: l.ATR.String(), Certificates: map[string]string{}, Photo: base64.StdEncoding.EncodeToString(l.Photo)}
	for path, der := range l.Certificates {
		out.Certificates[path] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	s.lab[job] = out
}

func (s *Server) labData(_ context.Context, in *JobPath) (*body[client.Lab], error) {
	if !s.d.Config.Lab {
		return nil, asFailure(failure.New(failure.APINotLab, "", nil))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lab[in.ID]
	if l == nil {
		return nil, asFailure(failure.New(failure.APINoJob, in.ID+" is not a job this daemon has finished for a laboratory since it started", nil))
	}
	return &body[client.Lab]{Body: *l}, nil
}

type followInput struct {
	JobPath
	LastEventID int `header:"Last-Event-ID" minimum:"0" doc:"events up to this one are not told again"`
}

func (s *Server) follow(ctx context.Context, in *followInput, send sse.Sender) {
	if _, err := s.d.Journal.Job(ctx, in.ID); err != nil {
		f := asFailure(err)
		_ = send.Data(client.Event{Job: in.ID, State: journal.Held, Code: f.Code, Text: f.Text})
		return
	}
	_ = s.hub.Follow(ctx, in.ID, in.LastEventID, func(id int, e client.Event) error {
		return send(sse.Message{ID: id, Data: e})
	}) // it ends when the caller leaves
}
