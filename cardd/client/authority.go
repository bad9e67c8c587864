package client

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Doubt is a request to the authority of which nobody here knows what became.
type Doubt struct {
	Request    string `json:"request" doc:"the request's number"`
	Purpose    string `json:"purpose" enum:"signature,authentication" doc:"which certificate"`
	Asked      string `json:"asked" doc:"when it went out"`
	State      string `json:"state" enum:"asked,waiting,received" doc:"what is known: nothing; the authority has it; the certificate came and could not be confirmed"`
	CommonName string `json:"common_name" doc:"by which to look for it at the authority"`
	Key        string `json:"key" doc:"subject key identifier, hex, for the same"`
	Note       string `json:"note,omitempty" doc:"what was said last"`
}

// Settled is a doubt that ended.
type Settled struct {
	Request string `json:"request"`
	Issued  bool   `json:"issued"` // with a certificate
}

// TakenBack are certificates that are revoked.
type TakenBack struct {
	Card    string   `json:"card,omitempty"`
	Serials []string `json:"serials"` // hex
}

// Doubts lists them, the oldest first.
func (c *Client) Doubts(ctx context.Context) ([]Doubt, error) {
	var out []Doubt
	return out, c.get(ctx, "/v1/authority/doubts", &out)
}

// Settle says what a person found at the authority: the certificate in PEM, or nothing
// where none was issued or it is revoked.
func (c *Client) Settle(ctx context.Context, request, by, certificate string) (*Settled, error) {
	var out Settled
	return &out, c.post(ctx, "/v1/authority/settle", map[string]any{"request": request, "by": by, "certificate": certificate}, &out)
}

// Revoked says that a person revoked a certificate at the authority itself.
func (c *Client) Revoked(ctx context.Context, serial string, reason int, by string) (*TakenBack, error) {
	var out TakenBack
	return &out, c.post(ctx, "/v1/authority/revoked", map[string]any{"serial": serial, "reason": reason, "by": by}, &out)
}

// Happened takes back the certificates of a card that an event makes invalid.
func (c *Client) Happened(ctx context.Context, card, event, by string) (*TakenBack, error) {
	var out TakenBack
	return &out, c.post(ctx, "/v1/authority/events", map[string]any{"card": card, "event": event, "by": by}, &out)
}

// Issuer is a CA's certificate in DER, CRL its list of revoked certificates; purpose is
// signature or authentication.
func (c *Client) Issuer(ctx context.Context, purpose string) ([]byte, error) {
	return c.raw(ctx, "/v1/authority/ca/"+url.PathEscape(purpose))
}

// CRL is the list of revoked certificates of a CA in DER.
func (c *Client) CRL(ctx context.Context, purpose string) ([]byte, error) {
	return c.raw(ctx, "/v1/authority/crl/"+url.PathEscape(purpose))
}

// post sends a value and reads the answer.
func (c *Client) post(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return broken("cannot write the request", err)
	}
	return c.call(ctx, http.MethodPost, path, b, out)
}

// Status passes on to cardd what everybody may ask: /ca/PURPOSE, /crl/PURPOSE and /ocsp, for
// verifiers that do not speak over a unix socket. Nothing else passes.
func (c *Client) Status() http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: c.http.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "cardd", "cardd"
			r.Out.URL.Path, r.Out.URL.RawPath = "/v1/authority"+r.In.URL.Path, ""
			if r.In.URL.RawPath != "" {
				r.Out.URL.RawPath = "/v1/authority" + r.In.URL.RawPath
			}
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	mux := http.NewServeMux()
	for _, path := range []string{"GET /ca/{purpose}", "GET /crl/{purpose}", "POST /ocsp", "GET /ocsp/{request...}"} {
		mux.Handle(path, proxy)
	}
	return mux
}
