// Package client is cardd's API as a Go package: what goes over the wire, and
// calls that carry it over cardd's unix socket.
//
// The types here are the API's own; the daemon answers with them. Orders and PINs
// pass through as the bytes they are, never as Go values that could be printed.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/plan"
)

// Reader is one reader and what is in it.
type Reader struct {
	Name    string `json:"name" doc:"name of the reader"`
	Present bool   `json:"present" doc:"a card is in it"`
	Mute    bool   `json:"mute,omitempty" doc:"the card does not answer"`
	ATR     string `json:"atr,omitempty" doc:"answer to reset, hex"`
	Card    string `json:"card,omitempty" doc:"what the answer to reset is known for"`
}

// Draft is a plan with its cost, made without touching anything.
type Draft struct {
	Plan         *plan.Plan `json:"plan" doc:"the steps"`
	Digest       string     `json:"digest" doc:"SHA-256 of the plan, hex"`
	Blank        bool       `json:"blank" doc:"no card was there: planned for a blank one"`
	APDUs        int        `json:"apdus" doc:"round trips"`
	Sent         int        `json:"sent" doc:"bytes of command APDUs"`
	Received     int        `json:"received" doc:"bytes of response APDUs"`
	Seconds      float64    `json:"seconds" doc:"predicted duration"`
	Irreversible []string   `json:"irreversible" doc:"steps that cannot be undone"`
}

// Job is one job as it stands.
type Job struct {
	ID        string `json:"id" doc:"job number"`
	Order     string `json:"order" doc:"the order it fulfils"`
	Card      string `json:"card" doc:"card identification number"`
	Station   string `json:"station" doc:"where it runs"`
	Profile   string `json:"profile" doc:"generation of card"`
	Product   string `json:"product" doc:"variant of card"`
	Operation string `json:"operation" enum:"issue,endorse" doc:"what the order wants"`
	State     string `json:"state" enum:"running,held,spoiled,done,abandoned" doc:"where it stands"`
	Code      string `json:"code,omitempty" doc:"failure code"`
	Reason    string `json:"reason,omitempty" doc:"why it is held or spoiled, and what to do"`
	Done      int    `json:"done" doc:"steps done of the plan in force"`
	Total     int    `json:"total" doc:"steps of the plan in force"`
	Left      *int   `json:"lines_left,omitempty" doc:"of an entry: free lines of the card's remarks panel as far as this station knows"`
	Created   string `json:"created" format:"date-time" doc:"when it was accepted"`
	Updated   string `json:"updated" format:"date-time" doc:"when it last changed"`
}

// Event is progress of a job.
type Event struct {
	Job    string `json:"job" doc:"job number"`
	State  string `json:"state" doc:"where the job stands"`
	Step   string `json:"step,omitempty" doc:"the step begun or ended"`
	Result string `json:"result,omitempty" doc:"how the step ended; empty when it begins"`
	Done   int    `json:"done" doc:"steps done"`
	Total  int    `json:"total" doc:"steps of the plan"`
	Code   string `json:"code,omitempty" doc:"failure code"`
	Text   string `json:"text,omitempty" doc:"why, and what to do"`
}

// Ended says whether nothing more will happen by itself.
func (e Event) Ended() bool {
	return e.State == "held" || e.State == "spoiled" || e.State == "done" || e.State == "abandoned"
}

// Record is one line of a job's history.
type Record struct {
	Seq    int64  `json:"seq" doc:"number of the record"`
	At     string `json:"at" format:"date-time" doc:"when"`
	Kind   string `json:"kind" doc:"what it tells"`
	Step   string `json:"step,omitempty" doc:"the step it is about"`
	Result string `json:"result,omitempty" doc:"how the step ended"`
	Code   string `json:"code,omitempty" doc:"failure code"`
	Text   string `json:"text,omitempty" doc:"why, in words"`
}

// Quarantined is a card that must not be used, and what has become of it.
type Quarantined struct {
	Card      string   `json:"card" doc:"card identification number"`
	Job       string   `json:"job" doc:"the job that spoiled it"`
	Order     string   `json:"order" doc:"its order, which is issued on a fresh card"`
	Since     string   `json:"since" format:"date-time" doc:"when its job last changed"`
	Code      string   `json:"code" doc:"failure code"`
	Reason    string   `json:"reason" doc:"why, and what to do"`
	Japanese  string   `json:"ja,omitempty" doc:"the same in Japanese, without details"`
	Serials   []string `json:"serials,omitempty" doc:"serial numbers of the certificates made for it, hex"`
	Voided    bool     `json:"voided" doc:"none of them is valid any more"`
	Witnesses []string `json:"witnesses,omitempty" doc:"who confirmed its destruction"`
	Destroyed bool     `json:"destroyed" doc:"confirmed by two different persons"`
}

// Lab is what a laboratory hands to other programs about a card it issued for an
// invented person.
type Lab struct {
	ATR          string            `json:"atr" doc:"answer to reset, hex"`
	Certificates map[string]string `json:"certificates" doc:"PEM by the profile's name of the file"`
	Photo        string            `json:"photo" doc:"JPEG 2000 file, base64; empty on a card without a photo"`
}

// What a Finding is about.
const (
	AboutCard        = "card"        // terminal, card management and chip do not agree
	AboutCertificate = "certificate" // the authority does not agree with them
	AboutNotice      = "notice"      // what one of the parties is to hear waits for a person
)

// Finding is one thing on which terminal, card management, chip and authority do not
// agree, or that waits for a person.
type Finding struct {
	About      string `json:"about" enum:"card,certificate,notice" doc:"what it is about"`
	Card       string `json:"card" doc:"card identification number"`
	Job        string `json:"job,omitempty" doc:"the terminal's job"`
	Order      string `json:"order,omitempty" doc:"the order of the terminal's job"`
	Terminal   string `json:"terminal,omitempty" doc:"what the journal of this station says"`
	Notice     string `json:"notice" doc:"where telling card management stands"`
	Management string `json:"management,omitempty" doc:"what card management says"`
	Chip       string `json:"chip,omitempty" doc:"what the chip shows, or the journal last read back"`
	Verdict    string `json:"verdict" enum:"agree,wait,ask,mend,act,alarm" doc:"what it amounts to"`
	Right      string `json:"right" doc:"whose word counts"`
	Code       string `json:"code" doc:"stable code, see docs/FAILURES.md"`
	Text       string `json:"text" doc:"why, and what to do"`
	Japanese   string `json:"ja,omitempty" doc:"the same in Japanese"`
	Presented  bool   `json:"presented,omitempty" doc:"the chip was in the reader just now"`
	Key        string `json:"key,omitempty" doc:"of a notice that waits for a person"`
	Party      string `json:"party,omitempty" doc:"who is to hear the notice"`
	Kind       string `json:"kind,omitempty" doc:"what the notice tells"`
	Serial     string `json:"serial,omitempty" doc:"of the certificate, hex"`
	Purpose    string `json:"purpose,omitempty" doc:"of the certificate"`
	Authority  string `json:"authority,omitempty" enum:"valid,on-hold,revoked,unknown" doc:"what the authority says of the certificate"`
}

// Notice is what one party outside is to hear about a card.
type Notice struct {
	Key   string `json:"key" doc:"idempotency key"`
	Party string `json:"party" doc:"who is to hear it"`
	Card  string `json:"card" doc:"card identification number"`
	Order string `json:"order,omitempty" doc:"the order it comes from"`
	Job   string `json:"job,omitempty" doc:"the job it comes from"`
	Kind  string `json:"kind" doc:"what it tells"`
	State string `json:"state" enum:"intended,unknown,accepted,refused" doc:"where telling it stands"`
	Held  bool   `json:"held" doc:"it waits for a person"`
	Code  string `json:"code,omitempty" doc:"failure code"`
}

// Failure is the API's error: a code that stays, and words that explain it.
type Failure struct {
	Status   int       `json:"status" doc:"HTTP status"`
	Code     string    `json:"code" doc:"stable code, see docs/FAILURES.md"`
	Text     string    `json:"detail" doc:"what is wrong and what to do"`
	Japanese string    `json:"ja,omitempty" doc:"the same in Japanese"`
	Problems []Problem `json:"problems,omitempty" doc:"every problem of an order"`

	cause error
}

// Problem is one thing wrong with an order.
type Problem struct {
	Code     string `json:"code" doc:"stable code"`
	Field    string `json:"field" doc:"the order's field"`
	Rule     string `json:"rule" doc:"the rule it breaks"`
	Remedy   string `json:"remedy" doc:"what to do"`
	Japanese string `json:"ja,omitempty" doc:"the same in Japanese"`
	// Offer tells something of the value itself, so Error leaves it out.
	Offer []string `json:"offer,omitempty" doc:"what may be chosen, the nearest first; for the operator's screen, never for a log"`
}

// Error is the text, with the code in front.
func (f *Failure) Error() string {
	if len(f.Problems) == 0 {
		return f.Code + ": " + f.Text
	}
	lines := make([]string, len(f.Problems))
	for i, p := range f.Problems {
		lines[i] = fmt.Sprintf("%s: %s: %s; %s", p.Code, p.Field, p.Rule, p.Remedy)
	}
	return strings.Join(lines, "\n")
}

// Unwrap is what was behind it, where no daemon said so itself.
func (f *Failure) Unwrap() error { return f.cause }

// broken is a failure of the talk itself: nobody knows what the daemon did.
func broken(what string, cause error) *Failure {
	entry, _ := failure.Explain(failure.APIAnswer)
	return &Failure{
		Status: http.StatusBadGateway, Code: string(failure.APIAnswer), cause: cause,
		Text:     failure.New(failure.APIAnswer, fmt.Sprintf("%s: %v", what, cause), nil).Error(),
		Japanese: entry.CauseJa + "。" + entry.RemedyJa,
	}
}

// GetStatus is the HTTP status.
func (f *Failure) GetStatus() int { return f.Status }

// ErrUnreachable means that no daemon answers on the socket.
var ErrUnreachable = errors.New("cardd cannot be reached")

// Client talks to one daemon. Its methods may be called by several goroutines.
type Client struct {
	http    *http.Client
	socket  string
	station string // where orders go; see At
}

// New is a client of the daemon on that unix socket; nothing is sent.
func New(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial}}, socket: socket}
}

// responseMax bounds every answer read whole.
const responseMax = 64 << 20

// Readers lists the daemon's readers.
func (c *Client) Readers(ctx context.Context) ([]Reader, error) {
	var out []Reader
	return out, c.get(ctx, "/v1/readers", &out)
}

// Plan plans for an order in its wire form; nothing is written.
func (c *Client) Plan(ctx context.Context, order []byte) (*Draft, error) {
	var out Draft
	return &out, c.call(ctx, http.MethodPost, "/v1/plan", order, &out)
}

// Issue hands an order in and gives the job's number; the job runs by itself. pins
// is the JSON form of the PINs, nil for none. lab asks for what [Client.Lab] gives
// when it is done. The body is cleared after use; order and pins stay the
// caller's.
func (c *Client) Issue(ctx context.Context, order, pins []byte, lab bool) (*Job, error) {
	body := append([]byte(`{"order":`), order...)
	if pins != nil {
		body = append(append(body, `,"pins":`...), pins...)
	}
	if lab {
		body = append(body, `,"lab":true`...)
	}
	if c.station != "" {
		body = append(body, `,"station":`...)
		body = strconv.AppendQuote(body, c.station)
	}
	body = append(body, '}')
	defer clear(body)
	var out Job
	return &out, c.call(ctx, http.MethodPost, "/v1/jobs", body, &out)
}

// Jobs lists the latest jobs, newest first.
func (c *Client) Jobs(ctx context.Context) ([]Job, error) {
	var out []Job
	return out, c.get(ctx, "/v1/jobs", &out)
}

// Job gives one job.
func (c *Client) Job(ctx context.Context, id string) (*Job, error) {
	var out Job
	return &out, c.get(ctx, "/v1/jobs/"+url.PathEscape(id), &out)
}

// Records gives a job's history.
func (c *Client) Records(ctx context.Context, id string) ([]Record, error) {
	var out []Record
	return out, c.get(ctx, "/v1/jobs/"+url.PathEscape(id)+"/records", &out)
}

// Resume lets a held job go on. printed says that a person saw the face printed.
func (c *Client) Resume(ctx context.Context, id string, printed bool) (*Job, error) {
	var out Job
	body := []byte(fmt.Sprintf(`{"printed":%v}`, printed))
	return &out, c.call(ctx, http.MethodPost, "/v1/jobs/"+url.PathEscape(id)+"/resume", body, &out)
}

// TakenOut lets a held job go on whose card a person took out of the printer and laid on
// its hopper. printed says that the person saw the face printed.
func (c *Client) TakenOut(ctx context.Context, id string, printed bool) (*Job, error) {
	var out Job
	body := []byte(fmt.Sprintf(`{"taken_out":true,"printed":%v}`, printed))
	return &out, c.call(ctx, http.MethodPost, "/v1/jobs/"+url.PathEscape(id)+"/resume", body, &out)
}

// Abandon gives a job up that is not done, on a person's word. A card to which nothing was
// written is free again; any other goes into quarantine, and the job is spoiled.
func (c *Client) Abandon(ctx context.Context, id, by, reason string) (*Job, error) {
	var out Job
	return &out, c.say(ctx, "/v1/jobs/"+url.PathEscape(id)+"/abandon", by, reason, &out)
}

// Quarantine lists the cards that must not be used, the oldest first, destroyed ones
// included.
func (c *Client) Quarantine(ctx context.Context) ([]Quarantined, error) {
	var out []Quarantined
	return out, c.get(ctx, "/v1/quarantine", &out)
}

// PutAside puts the card of a job, which may be done, into quarantine; id is the number of
// the job or of the card.
func (c *Client) PutAside(ctx context.Context, id, by, reason string) (*Quarantined, error) {
	var out Quarantined
	return &out, c.say(ctx, "/v1/quarantine/"+url.PathEscape(id), by, reason, &out)
}

// ConfirmDestroyed takes down that a person saw a card in quarantine destroyed; id is the
// number of the job or of the card.
func (c *Client) ConfirmDestroyed(ctx context.Context, id, by string) (*Quarantined, error) {
	var out Quarantined
	return &out, c.say(ctx, "/v1/quarantine/"+url.PathEscape(id)+"/confirm", by, "", &out)
}

// say posts what a person decided.
func (c *Client) say(ctx context.Context, path, by, reason string, out any) error {
	body, err := json.Marshal(struct {
		By     string `json:"by"`
		Reason string `json:"reason,omitempty"`
	}{by, reason})
	if err != nil {
		return fmt.Errorf("cannot make request: %w", err)
	}
	return c.call(ctx, http.MethodPost, path, body, out)
}

// Release lets a notice go on that waits for a person, who is named: one that was refused
// is closed, one in doubt is asked about again.
func (c *Client) Release(ctx context.Context, key, by string) (*Notice, error) {
	var out Notice
	return &out, c.say(ctx, "/v1/notices/"+url.PathEscape(key)+"/release", by, "", &out)
}

// Reconcile lists on what terminal, card management, chip and authority do not agree: the
// cards, then the certificates, each the worst first, then the notices that wait for a
// person. mend does what may be done without one.
func (c *Client) Reconcile(ctx context.Context, mend bool) ([]Finding, error) {
	var out []Finding
	var err error
	if mend {
		err = c.call(ctx, http.MethodPost, "/v1/reconcile", []byte("{}"), &out)
	} else {
		err = c.get(ctx, "/v1/reconcile", &out)
	}
	return out, err
}

// Receipt gives the receipt of a finished job: a COSE_Sign1.
func (c *Client) Receipt(ctx context.Context, id string) ([]byte, error) {
	return c.raw(ctx, "/v1/jobs/"+url.PathEscape(id)+"/receipt")
}

// ReceiptKey gives the station's receipt key in PEM.
func (c *Client) ReceiptKey(ctx context.Context) ([]byte, error) {
	return c.raw(ctx, "/v1/receipt-key")
}

// Lab gives what other programs need to test with the card of a finished job.
func (c *Client) Lab(ctx context.Context, id string) (*Lab, error) {
	var out Lab
	return &out, c.get(ctx, "/v1/jobs/"+url.PathEscape(id)+"/lab", &out)
}

// Image is the photo's bytes; none on a card without one.
func (l *Lab) Image() ([]byte, error) { return base64.StdEncoding.DecodeString(l.Photo) }

// Watch calls f for every event of a job until f gives false, nothing more will
// happen to the job by itself, or ctx ends. Events that came before are told first:
// those of a job that was held and resumed hold more than one end.
func (c *Client) Watch(ctx context.Context, id string, f func(Event) bool) error {
	resp, err := c.do(ctx, http.MethodGet, "/v1/jobs/"+url.PathEscape(id)+"/events", nil)
	if err != nil {
		return err
	}
	defer shut(resp)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), 1<<20)
	var last Event
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		last = Event{}
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			return broken("cannot read an event of job "+id, err)
		}
		if !f(last) {
			return nil
		}
	}
	if last.Ended() { // the daemon stops telling when the latest event is an end
		return nil
	}
	if err = lines.Err(); err == nil {
		err = io.ErrUnexpectedEOF
	}
	return broken("cannot follow job "+id, err)
}

func (c *Client) get(ctx context.Context, path string, out any) error {
	return c.call(ctx, http.MethodGet, path, nil, out)
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, out any) error {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer shut(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, responseMax))
	if err != nil {
		return broken("cannot read the answer", err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return broken("cannot read the answer", err)
	}
	return nil
}

func (c *Client) raw(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	defer shut(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, responseMax))
	if err != nil {
		return nil, broken("cannot read the answer", err)
	}
	return b, nil
}

// do sends one request and turns an error answer into a *Failure.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://cardd"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("cannot make request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	var netErr *net.OpError
	if errors.As(err, &netErr) && netErr.Op == "dial" {
		return nil, fmt.Errorf("%w on %s; start it with: cardd serve", ErrUnreachable, c.socket)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, broken("cannot talk to cardd", err)
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer shut(resp)
	f := &Failure{Status: resp.StatusCode}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if json.Unmarshal(b, f) != nil || f.Code == "" {
		return nil, broken("cannot understand a refusal", fmt.Errorf("the daemon answered %s", resp.Status))
	}
	return nil, f
}

// shut closes an answer that was read as far as it matters.
func shut(resp *http.Response) { _ = resp.Body.Close() }
