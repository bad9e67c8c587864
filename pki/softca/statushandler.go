package softca

import (
	"encoding/base64"
	"io"
	"net/http"
	"sync"
	"time"

	"jukicard/pki"
)

// ageCRL is how old a list is given out again while nothing was revoked.
const ageCRL = time.Hour

// listed is the list given out last.
type listed struct {
	der  []byte
	made time.Time
}

// lists keeps the last list of each CA, so that asking makes no new one each time.
type lists struct {
	mu   sync.Mutex
	last map[pki.Purpose]listed
}

func (l *lists) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.last)
}

// StatusHandler serves what everybody may know of the authority, by paths relative to where
// it is mounted:
//
//	GET  ca/PURPOSE       the CA's certificate (application/pkix-cert, RFC 5280, 4.2.1.13)
//	GET  crl/PURPOSE      its list of revoked certificates (application/pkix-crl)
//	POST ocsp             OCSP (application/ocsp-request, RFC 6960, appendix A.1)
//	GET  ocsp/REQUEST     the same with the request in base64
//
// PURPOSE is signature or authentication. A list is at most an hour old, and made anew after
// each revocation in this process. Nothing here tells of people: lists and answers hold
// serial numbers alone.
func (a *Authority) StatusHandler() http.Handler {
	l := &lists{last: map[pki.Purpose]listed{}}
	a.onRevoke(l.forget)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ca/{purpose}", func(w http.ResponseWriter, r *http.Request) {
		ca, err := a.CA(r.Context(), pki.Purpose(r.PathValue("purpose")))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		send(w, "application/pkix-cert", ca.Raw)
	})
	mux.HandleFunc("GET /crl/{purpose}", func(w http.ResponseWriter, r *http.Request) { a.serveCRL(l, w, r) })
	mux.HandleFunc("POST /ocsp", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "application/ocsp-request" {
			http.Error(w, "want application/ocsp-request", http.StatusUnsupportedMediaType)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, ocspMax+1))
		if err != nil {
			http.Error(w, "the request broke off", http.StatusBadRequest)
			return
		}
		a.serveOCSP(w, r, body)
	})
	mux.HandleFunc("GET /ocsp/{request...}", func(w http.ResponseWriter, r *http.Request) {
		body, err := base64.StdEncoding.DecodeString(r.PathValue("request"))
		if err != nil {
			body = nil // no request, which the answer says
		}
		a.serveOCSP(w, r, body)
	})
	return mux
}

func send(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // who asked is gone
}

func (a *Authority) serveOCSP(w http.ResponseWriter, r *http.Request, request []byte) {
	answer, _ := a.OCSP(r.Context(), request) // the answer tells what is wrong
	send(w, "application/ocsp-response", answer)
}

func (a *Authority) serveCRL(l *lists, w http.ResponseWriter, r *http.Request) {
	p := pki.Purpose(r.PathValue("purpose"))
	if _, err := a.ca(p); err != nil {
		http.NotFound(w, r)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.last[p]
	if age := a.now().Sub(last.made); last.der == nil || age < 0 || age >= ageCRL {
		der, err := a.CRL(r.Context(), p)
		if err != nil {
			http.Error(w, "cannot make the list", http.StatusInternalServerError)
			return
		}
		last = listed{der, a.now()}
		l.last[p] = last
	}
	send(w, "application/pkix-crl", last.der)
}
