package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/pki"
	"jukicard/pki/remote"
)

// authorityRoutes are about certificates. What everybody may know (certificates of CAs,
// lists, OCSP) is answered as its own standards say and not in the API's form.
func (s *Server) authorityRoutes(a huma.API, mux *http.ServeMux) {
	status := s.d.Status()
	if status == nil {
		status = http.HandlerFunc(elsewhere)
	}
	mux.Handle("/v1/authority/", http.StripPrefix("/v1/authority", status))
	huma.Get(a, "/v1/authority/doubts", s.doubts, summary("List the requests to the authority of which nobody here knows what became"))
	huma.Post(a, "/v1/authority/settle", s.settle, summary("Say what was found at the authority about such a request"))
	huma.Post(a, "/v1/authority/revoked", s.revokedByHand, summary("Say that a certificate was revoked at an authority that cardd cannot have revoke"))
	huma.Post(a, "/v1/authority/events", s.happened, summary("Take back the certificates that an event makes invalid"))
}

// elsewhere is the answer where the authority tells itself what became of certificates.
func elsewhere(w http.ResponseWriter, _ *http.Request) {
	f := asFailure(failure.New(failure.PKINoStatus, "", nil))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(f) // the caller may have left
}

func (s *Server) doubts(ctx context.Context, _ *struct{}) (*body[[]client.Doubt], error) {
	list, err := s.d.Doubts(ctx)
	if err != nil {
		return nil, asFailure(failure.New(failure.PKIAuthority, err.Error(), err))
	}
	out := make([]client.Doubt, len(list))
	for i, d := range list {
		out[i] = doubtOf(d)
	}
	return &body[[]client.Doubt]{Body: out}, nil
}

// doubtOf leaves the certificate itself out: holders' data are in it.
func doubtOf(d remote.Doubt) client.Doubt {
	return client.Doubt{
		Request: d.ID, Purpose: string(d.Purpose), Asked: d.Asked.UTC().Format(time.RFC3339), State: d.State,
		CommonName: d.Subject, Key: hex.EncodeToString(d.Key), Note: d.Note,
	}
}

type settleInput struct {
	Body struct {
		Request     string `json:"request" minLength:"1" maxLength:"200" doc:"of which request"`
		By          string `json:"by" minLength:"1" maxLength:"64" doc:"who found it"`
		Certificate string `json:"certificate,omitempty" maxLength:"16384" doc:"the certificate that was issued, in PEM; without it none was, or it is revoked"`
	}
}

func (s *Server) settle(ctx context.Context, in *settleInput) (*body[client.Settled], error) {
	var found []byte
	if in.Body.Certificate != "" {
		block, _ := pem.Decode([]byte(in.Body.Certificate))
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, asFailure(failure.New(failure.APIRequest, "the certificate is not in PEM", nil))
		}
		found = block.Bytes
	}
	if err := s.d.Settle(ctx, in.Body.Request, found); err != nil {
		return nil, asFailure(err)
	}
	s.log.Info("doubt settled", "request", in.Body.Request, "issued", found != nil, "by", in.Body.By)
	return &body[client.Settled]{Body: client.Settled{Request: in.Body.Request, Issued: found != nil}}, nil
}

type revokedInput struct {
	Body struct {
		Serial string `json:"serial" minLength:"1" maxLength:"40" doc:"of the certificate, in hex digits"`
		Reason int    `json:"reason" minimum:"0" maximum:"6" doc:"RFC 5280, 5.3.1"`
		By     string `json:"by" minLength:"1" maxLength:"64" doc:"who revoked it"`
	}
}

func (s *Server) revokedByHand(ctx context.Context, in *revokedInput) (*body[client.TakenBack], error) {
	serial, ok := new(big.Int).SetString(in.Body.Serial, 16)
	if !ok {
		return nil, asFailure(failure.New(failure.APIRequest, "the serial number is none in hex digits", nil))
	}
	if err := s.d.RevokedByHand(ctx, serial, pki.Reason(in.Body.Reason)); err != nil {
		return nil, asFailure(err)
	}
	s.log.Info("certificate revoked by hand", "serial", in.Body.Serial, "by", in.Body.By)
	return &body[client.TakenBack]{Body: client.TakenBack{Serials: []string{serial.Text(16)}}}, nil
}

type eventInput struct {
	Body struct {
		Card  string `json:"card" minLength:"1" maxLength:"64" doc:"card number"`
		Event string `json:"event" minLength:"1" maxLength:"40" doc:"what happened"`
		By    string `json:"by" minLength:"1" maxLength:"64" doc:"who says so"`
	}
}

func (s *Server) happened(ctx context.Context, in *eventInput) (*body[client.TakenBack], error) {
	serials, err := s.d.Happened(ctx, in.Body.Card, pki.Event(in.Body.Event))
	if err != nil {
		return nil, asFailure(err)
	}
	out := client.TakenBack{Card: in.Body.Card, Serials: []string{}}
	for _, n := range serials {
		out.Serials = append(out.Serials, n.Text(16))
	}
	s.log.Info("certificates taken back", "card", in.Body.Card, "event", in.Body.Event, "count", len(serials), "by", in.Body.By)
	return &body[client.TakenBack]{Body: out}, nil
}
