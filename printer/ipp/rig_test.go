//go:build linux

package ipp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"
)

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// loss loses the request or the answer of one operation, once.
type loss struct {
	op     goipp.Op
	answer bool // the request arrives, the answer is lost
	mu     sync.Mutex
	lost   int
}

var errLost = errors.New("lost")

// RoundTrip is http.RoundTripper.
func (l *loss) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var m goipp.Message
	if err := m.DecodeBytes(body); err != nil {
		return nil, err
	}
	l.mu.Lock()
	mine := goipp.Op(m.Code) == l.op && l.lost == 0
	if mine {
		l.lost++
	}
	l.mu.Unlock()
	if mine && !l.answer {
		return nil, errLost
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(strings.NewReader(string(body)))
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(again)
	if err == nil && mine {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return nil, errLost
	}
	return answer, err
}
