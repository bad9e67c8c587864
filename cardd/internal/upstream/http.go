package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The protocol, ours, over HTTP/1.1, in JSON:
//
//	POST /v1/notices        a notice, its key also in the header Idempotency-Key
//	GET  /v1/notices/{key}  what there is under a key
//	GET  /v1/cards?after=N  cards in order of their numbers, a page at a time
//
// An answer is the party's only when it says so itself: status 200 for a yes, a
// question or a list, 409 for a no, and a body that repeats the key. Whatever else
// comes back, a 404 or a 503 as much as a page of some relay, is no answer: the
// party may have the notice.
const (
	pathNotices = "/v1/notices"
	pathCards   = "/v1/cards"
	keyHeader   = "Idempotency-Key" // draft-ietf-httpapi-idempotency-key-header
)

// Bounds on what is read.
const (
	answerMax  = 64 << 10 // bytes of an answer about one notice
	pageMax    = 1 << 20  // bytes of a page of cards
	headersMax = 16 << 10 // bytes of headers
)

// errAnswer is an answer that is not of the protocol: an ErrUnreachable too,
// because nothing is known after it.
var errAnswer = fmt.Errorf("%w that is understood", ErrUnreachable)

// HTTPConfig is where a party is and how it is reached.
type HTTPConfig struct {
	// URL is https://host[:port][/path], unix:///path/of/socket, or http:// on this
	// machine: card and certificate numbers do not cross a network in the clear.
	URL string
	TLS *tls.Config // who we are and whom we trust; nil is the system's roots and no client certificate
	// Dial replaces how a connection is made, in tests; nil dials.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// HTTP is a party behind the protocol above. Its calls are made one at a time; how
// long one may take is the context's to say.
type HTTP struct {
	base   string
	client *http.Client
}

// NewHTTP is a party at an address; it touches nothing.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("cannot use the address: it is no URL; give https://host/path or unix:///path")
	}
	dial := c.Dial
	if dial == nil {
		dial = dialOnce
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("cannot use the address %s: it may hold no user, query or fragment; use a client certificate", u.Redacted())
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		socket := u.Path
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialOnce(ctx, "unix", socket) }
		u = &url.URL{Scheme: "http", Host: "unix"}
	case u.Scheme == "https" && u.Host != "":
	case u.Scheme == "http" && isHere(u.Hostname()):
	default:
		return nil, fmt.Errorf("cannot use the address %s: give https://host/path, unix:///path, or http on this machine", u.Redacted())
	}
	transport := &http.Transport{
		// No proxy from the environment: a relay nobody configured is one more place
		// where a telegram may be kept.
		Proxy: nil, DialContext: dial, TLSClientConfig: c.TLS, MaxConnsPerHost: 1, MaxResponseHeaderBytes: headersMax,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
	return &HTTP{base: strings.TrimSuffix(u.String(), "/"), client: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes idle connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// dialOnce connects, and sees to it that a closed or dead sender has nothing under
// way: with SO_LINGER 0 the kernel drops what it has not sent instead of sending it
// minutes later, when nobody waits for it.
func dialOnce(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
	if t, ok := c.(*net.TCPConn); ok {
		err = errors.Join(err, t.SetLinger(0))
	}
	return c, err
}

// isHere is whether a host is this machine.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// telegram is a notice on the wire.
type telegram struct {
	Key   string            `json:"key"`
	Card  string            `json:"card"`
	Order string            `json:"order,omitempty"`
	Kind  Kind              `json:"kind"`
	Seq   int64             `json:"seq"`
	At    time.Time         `json:"at"`
	Facts map[string]string `json:"facts,omitempty"`
}

// answer is what comes back about a notice.
type answer struct {
	Key          string    `json:"key"`
	State        State     `json:"state"`
	Card         string    `json:"card"`
	Kind         Kind      `json:"kind"`
	At           time.Time `json:"at"`
	Code         string    `json:"code"`
	Unauthorised bool      `json:"unauthorised"`
}

// Tell posts the notice.
//
// net/http repeats a request on its own when a kept connection breaks under it and
// the request is idempotent, and it takes one with the header Idempotency-Key for
// that (Transport, Request.isReplayable). That is the blind repeat of 2016. It
// cannot do so with a body that cannot be got again, hence GetBody.
func (h *HTTP) Tell(ctx context.Context, n Notice) error {
	body, err := json.Marshal(telegram(n))
	if err != nil {
		panic("internal error: cannot encode notice: " + err.Error())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+pathNotices, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("cannot make the telegram: %v", err)
	}
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(keyHeader, strconv.Quote(n.Key)) // a structured field's string
	status, a, err := h.about(req, n.Key)
	switch {
	case err != nil:
		return err
	case status == http.StatusOK && a.State == Accepted && a.Card == n.Card && a.Kind == n.Kind:
		return nil
	case status == http.StatusConflict && a.State == Refused:
		return &Refusal{Code: word(a.Code), Unauthorised: a.Unauthorised}
	}
	return errAnswer
}

// Ask gets what there is under a key.
func (h *HTTP) Ask(ctx context.Context, key string) (Known, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+pathNotices+"/"+url.PathEscape(key), http.NoBody)
	if err != nil {
		return Known{}, fmt.Errorf("cannot make the question: %v", err)
	}
	status, a, err := h.about(req, key)
	switch {
	case err != nil:
		return Known{}, err
	case status != http.StatusOK || a.State != None && a.State != Accepted && a.State != Refused:
		return Known{}, errAnswer
	}
	return Known{State: a.State, Card: a.Card, Kind: a.Kind, At: a.At, Code: word(a.Code), Unauthorised: a.Unauthorised}, nil
}

// about makes a call about one key. An answer about another is no answer.
func (h *HTTP) about(req *http.Request, key string) (int, answer, error) {
	status, body, err := h.call(req, answerMax)
	if err != nil {
		return 0, answer{}, err
	}
	a, err := parse[answer](body)
	if err != nil || a.Key != key {
		return 0, answer{}, errAnswer
	}
	return status, a, nil
}

// call makes one call and reads one answer, at most most bytes of it.
func (h *HTTP) call(req *http.Request, most int64) (status int, body []byte, err error) {
	resp, err := h.client.Do(req)
	if err != nil {
		var about *url.Error // it would repeat the address with the key in it
		if errors.As(err, &about) {
			err = about.Err
		}
		return 0, nil, fmt.Errorf("%w: %v", ErrUnreachable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%w: %v", ErrUnreachable, err)
	case int64(len(body)) > most:
		return 0, nil, errAnswer
	}
	return resp.StatusCode, body, nil
}

// parse reads one JSON value and nothing after it. Its error says nothing of what
// is in it: what the other side writes may be about a resident.
func parse[T any](body []byte) (T, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&v); err != nil {
		return v, errAnswer
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, errAnswer
	}
	return v, nil
}

// wordForm is a code of the other side that is fit for a log.
var wordForm = regexp.MustCompile(`^[A-Z0-9-]{1,32}$`)

// word is the other side's code; anything that is more than a code is left out.
func word(code string) string {
	if !wordForm.MatchString(code) {
		return "-"
	}
	return code
}

// Cards is a page of the cards the party has of ours, in order of their numbers,
// those after a number; next is what to ask after for the following page, empty
// when this was the last. Only card management has such a list.
func (h *HTTP) Cards(ctx context.Context, after string) (page []ManagementView, next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+pathCards+"?after="+url.QueryEscape(after), http.NoBody)
	if err != nil {
		return nil, "", fmt.Errorf("cannot make the question: %v", err)
	}
	status, body, err := h.call(req, pageMax)
	if err != nil {
		return nil, "", err
	}
	list, err := parse[struct {
		Cards *[]ManagementView `json:"cards"`
		Next  string            `json:"next"`
	}](body)
	if err != nil || status != http.StatusOK || list.Cards == nil || (list.Next != "" && list.Next <= after) {
		return nil, "", errAnswer
	}
	for _, v := range *list.Cards {
		if v.Card == "" || !v.Status.known() {
			return nil, "", errAnswer
		}
	}
	return *list.Cards, list.Next, nil
}
