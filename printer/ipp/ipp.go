// Package ipp prints letters and forms on ordinary printers, by the Internet Printing
// Protocol (RFC 8010, RFC 8011): on a printer itself, on CUPS, on anything that speaks
// IPP Everywhere (PWG 5100.14). Documents are PDF or PWG raster, which this package also
// writes.
//
// A job is known by its name, which is ours. After an answer that was lost the job is
// looked for by that name before anything is sent, so that the same letter does not go
// out twice; and a job is done when the printer says so, not when it was sent. What CUPS
// says of a queue that is no IPP printer is what its backend believes: that the bytes
// are gone.
//
// It does not drive card printers: IPP has no word for holding a card at the chip
// station, nor for a reject bin.
package ipp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/OpenPrinting/goipp"
)

// Printer is a printer or a queue. It may be used by several goroutines.
type Printer struct {
	// URI is the printer's, for example "ipp://192.0.2.9/ipp/print" or
	// "ipps://print.example/printers/letters"; the port is 631 if none is given.
	URI string
	// User is the requesting-user-name; empty is "cardd". Find sees jobs of the
	// same user only, where a printer keeps names private (CUPS does).
	User string
	// Transport carries the requests; nil is one that never sends anything twice.
	Transport http.RoundTripper

	requests atomic.Uint32
}

const (
	portDefault      = "631" // RFC 8010, 4
	userDefault      = "cardd"
	timeoutExchange  = 20 * time.Second // for an operation without a document (ours)
	timeoutDocument  = 5 * time.Minute  // for one with it: a printer may take it as slowly as it prints
	answerMax        = 4 << 20          // bytes of an answer; the longest seen, of CUPS, has 60 kB
	statusMessageMax = 200
)

// once is a transport that makes a connection for every request. One that was kept open
// may have been closed by the printer meanwhile, and Go's would then send again.
var once http.RoundTripper = &http.Transport{DisableKeepAlives: true, Proxy: nil}

// LinkError is a printer that could not be reached, or whose answer was lost or no IPP:
// what it did is not known.
type LinkError struct {
	Op  string // "Print-Job"
	URI string
	Err error
}

// Error says what was wanted of whom.
func (e *LinkError) Error() string {
	return fmt.Sprintf("cannot get an answer to %s from %s: %v", e.Op, e.URI, e.Err)
}

// Unwrap gives the cause.
func (e *LinkError) Unwrap() error { return e.Err }

// StatusError is a printer's refusal (RFC 8011, appendix B).
type StatusError struct {
	Op   string
	Code goipp.Status
	Text string // the printer's own, at most 200 bytes
}

// Error names the operation, the code, and what the printer says of it.
func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("cannot have %s done: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("cannot have %s done: %s (%s)", e.Op, e.Code, e.Text)
}

// request is an operation on this printer with the attributes that all have (RFC 8011,
// 4.1.4 and 4.1.5).
func (p *Printer) request(op goipp.Op) *goipp.Message {
	m := goipp.NewRequest(goipp.DefaultVersion, op, p.requests.Add(1))
	add(&m.Operation, "attributes-charset", goipp.TagCharset, "utf-8")
	add(&m.Operation, "attributes-natural-language", goipp.TagLanguage, "en")
	add(&m.Operation, "printer-uri", goipp.TagURI, p.URI)
	add(&m.Operation, "requesting-user-name", goipp.TagName, p.user())
	return m
}

func (p *Printer) user() string {
	if p.User == "" {
		return userDefault
	}
	return p.User
}

// endpoint is where HTTP goes (RFC 8010, 4; RFC 7472 for ipps).
func (p *Printer) endpoint() (string, error) {
	u, err := url.Parse(p.URI)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("the printer's URI is %q: give one like ipp://192.0.2.9/ipp/print", p.URI)
	}
	switch u.Scheme {
	case "ipp":
		u.Scheme = "http"
	case "ipps":
		u.Scheme = "https"
	default:
		return "", fmt.Errorf("the printer's URI begins with %s: give ipp or ipps", u.Scheme)
	}
	if u.Port() == "" {
		u.Host += ":" + portDefault
	}
	return u.String(), nil
}

// exchange sends a request, with a document behind it if there is one, and gives the
// answer. A refusal is a *StatusError, anything without an answer a *LinkError.
func (p *Printer) exchange(ctx context.Context, m *goipp.Message, document []byte) (*goipp.Message, error) {
	op := goipp.Op(m.Code).String()
	timeout := timeoutExchange
	if document != nil {
		timeout = timeoutDocument
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := p.post(ctx, m, document)
	if err != nil {
		return nil, &LinkError{Op: op, URI: p.URI, Err: err}
	}
	if status := goipp.Status(answer.Code); status >= firstFailure {
		text := first(answer.Operation, "status-message")
		return nil, &StatusError{Op: op, Code: status, Text: text[:min(len(text), statusMessageMax)]}
	}
	return answer, nil
}

// firstFailure is the first status that is not some kind of success (RFC 8011, B.1).
const firstFailure goipp.Status = 0x0100

// post is the exchange in HTTP.
func (p *Printer) post(ctx context.Context, m *goipp.Message, document []byte) (*goipp.Message, error) {
	endpoint, err := p.endpoint()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		return nil, err
	}
	size := b.Len() + len(document)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, io.MultiReader(&b, bytes.NewReader(document)))
	if err != nil {
		return nil, err
	}
	r.ContentLength = int64(size)
	r.Header.Set("Content-Type", goipp.ContentType)
	transport := p.Transport
	if transport == nil {
		transport = once
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server says %s", answer.Status)
	}
	return decode(answer.Body, m.RequestID)
}

// decode reads an answer. The library panics on some that no printer sends.
func decode(r io.Reader, id uint32) (m *goipp.Message, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("the answer is no IPP: %v", r)
		}
	}()
	m = &goipp.Message{}
	if err := m.Decode(io.LimitReader(r, answerMax)); err != nil {
		return nil, fmt.Errorf("the answer is no IPP: %w", err)
	}
	if m.RequestID != id {
		return nil, fmt.Errorf("the answer is to request %d: %d was sent", m.RequestID, id)
	}
	return m, nil
}
