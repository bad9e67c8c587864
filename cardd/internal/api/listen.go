package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"jukicard/cardd/internal/failure"
)

// Listen opens the unix socket (mode 0600) and takes away one that a dead daemon
// left behind; one that answers is another daemon's.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the socket's folder: %w", err)
	}
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("cannot listen on %s: another cardd does; stop it or give another socket", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot take away the old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot close the socket to others: %w", err), l.Close())
	}
	return l, nil
}

type peerKey struct{}

// peer is who is at the other end of a connection.
type peer struct {
	uid   uint32
	known bool
}

// peerConn is a connection that knows its other end and gives its slot back once.
type peerConn struct {
	net.Conn
	peer
	release func()
	carried atomic.Bool // a body: net/http's buffers hold a part of it until the end
}

// swept asks for a sweep when a connection has closed that carried a body.
func (s *Server) swept(conn net.Conn, state http.ConnState) {
	if c, _ := conn.(*peerConn); c != nil && state == http.StateClosed && c.carried.Load() {
		s.sweep.Soon()
	}
}

// Close closes the connection and frees its slot.
func (c *peerConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// peerListener bounds the connections at once and asks who each is.
type peerListener struct {
	net.Listener
	slots chan struct{}
}

func newPeerListener(l net.Listener, most int) *peerListener {
	return &peerListener{Listener: l, slots: make(chan struct{}, most)}
}

// Accept waits for a free slot, then for a connection.
func (l *peerListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	release := sync.OnceFunc(func() { <-l.slots })
	c, err := l.Listener.Accept()
	if err != nil {
		release()
		return nil, err
	}
	return &peerConn{Conn: c, peer: peerOf(c), release: release}, nil
}

// Serve answers on l until ctx ends, then lets running jobs come to the end of
// their step, at most grace.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			p, _ := c.(*peerConn)
			return context.WithValue(ctx, peerKey{}, p)
		},
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState:   s.swept,
	}
	sweepCtx, rest := context.WithCancel(ctx)
	var sweeping sync.WaitGroup
	sweeping.Go(func() { s.sweep.Run(sweepCtx) })
	defer sweeping.Wait()
	defer rest()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(newPeerListener(l, s.d.Config.Limits.Clients)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("cannot serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(stop)
	s.Wait()
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// allow lets in root and the user that cardd runs as, by SO_PEERCRED, and has a
// connection that carried a body closed behind its answer.
func allow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := r.Context().Value(peerKey{}).(*peerConn)
		if p == nil || !p.known || (p.uid != 0 && p.uid != uint32(os.Getuid())) {
			f := asFailure(failure.New(failure.APIForbidden, "", nil))
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(f.Status)
			_ = json.NewEncoder(w).Encode(f) // the caller may have left
			return
		}
		if r.Method == http.MethodPost { // perhaps with an order, which must not wait in a buffer for the next request
			p.carried.Store(true)
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
