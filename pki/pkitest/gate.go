package pkitest

import (
	"net/http"
	"net/http/httptest"
	"sync"
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
