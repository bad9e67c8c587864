package client

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// answering is a client of a daemon that answers every request as it is told.
func answering(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(answer)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return New(socket)
}

// TestEveryFailureHasItsCodeAndRemedy, also those that no daemon could tell.
func TestEveryFailureHasItsCodeAndRemedy(t *testing.T) {
	rows := []struct {
		name   string
		answer http.HandlerFunc
		code   string
		says   string
	}{
		{"the daemon's own", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"API-NO-JOB","detail":"why; what to do","ja":"日"}`)
		}, "API-NO-JOB", "what to do"},
		{"a page of somebody", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, "API-ANSWER", "cardctl jobs"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{") }, "API-ANSWER", "cardctl jobs"},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "API-ANSWER", "cardctl jobs"},
		{"half an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{}")
		}, "API-ANSWER", "cardctl jobs"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := answering(t, row.answer).Job(t.Context(), "7")
			var f *Failure
			if !errors.As(err, &f) || f.Code != row.code || !strings.Contains(f.Text, row.says) || f.Japanese == "" {
				t.Errorf("got %#v", err)
			}
			if _, err := answering(t, row.answer).ReceiptKey(t.Context()); row.name != "no JSON" && !errors.As(err, &f) {
				t.Errorf("of raw bytes: %v", err)
			}
		})
	}
}

// TestAWatchThatBreaksSaysSo with what broke behind it.
func TestAWatchThatBreaksSaysSo(t *testing.T) {
	for name, events := range map[string]string{"no end": "data: {\"job\":\"7\",\"state\":\"running\"}\n\n", "no event": "data: {\n\n"} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, events) })
		err := c.Watch(t.Context(), "7", func(Event) bool { return true })
		var f *Failure
		if !errors.As(err, &f) || f.Code != "API-ANSWER" || !strings.Contains(f.Text, "job 7") {
			t.Errorf("%s: got %v", name, err)
		}
		if name == "no end" && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: what broke is %v", name, err)
		}
	}
}

// TestNobodyListens: that is told apart from a daemon that answers oddly.
func TestNobodyListens(t *testing.T) {
	_, err := New(filepath.Join(t.TempDir(), "s")).Jobs(t.Context())
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}
