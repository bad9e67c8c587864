package pkitest

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Gate stands between an authority's client and its server, both over HTTP, and does to
// what passes what networks do. Any goroutine may use it.
type Gate struct {
	Server http.Handler

	mu     sync.Mutex
	fault  Fault
	passed int
}

// Break makes the gate do something wrong from now on; None mends it.
func (g *Gate) Break(f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = f
}

// Passed is how many requests came.
func (g *Gate) Passed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed
}

// ServeHTTP implements http.Handler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.passed++
	fault := g.fault
	g.mu.Unlock()
	switch fault {
	case Slow:
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices a client that goes only after that
		<-r.Context().Done()
	case Down:
		panic(http.ErrAbortHandler)
	case Lost:
		g.Server.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		g.Server.ServeHTTP(w, r)
	}
}

// Site is an HTTP server that can be unplugged: its port then refuses connections.
type Site struct {
	handler http.Handler
	secured *tls.Config
	address string
	server  *httptest.Server
}

// NewSite serves a handler on a port of this machine until the test ends, by TLS where
// secured is not nil.
func NewSite(t testing.TB, handler http.Handler, secured *tls.Config) *Site {
	t.Helper()
	s := &Site{handler: handler, secured: secured, address: "127.0.0.1:0"}
	s.Plug(t)
	t.Cleanup(s.Unplug)
	return s
}

// Plug makes the port answer again.
func (s *Site) Plug(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Fatalf("cannot serve on %s: %v", s.address, err)
	}
	s.address = l.Addr().String()
	s.server = httptest.NewUnstartedServer(s.handler)
	_ = s.server.Listener.Close() // the one it was made with
	s.server.Listener = l
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // handlers here end connections on purpose
	if s.secured != nil {
		s.server.TLS = s.secured.Clone()
		s.server.StartTLS()
		return
	}
	s.server.Start()
}

// Unplug makes the port refuse connections.
func (s *Site) Unplug() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// Address is host and port.
func (s *Site) Address() string { return s.address }
