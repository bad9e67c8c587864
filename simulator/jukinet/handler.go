package jukinet

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Words of the protocol.
const (
	kindIssued             = "issued"
	kindVoided             = "voided"
	kindDestroyed          = "destroyed"
	kindCertificateIssued  = "certificate-issued"
	kindCertificateRevoked = "certificate-revoked"

	stateNone     = "none"
	stateAccepted = "accepted"
	stateRefused  = "refused"

	codeRepeat   = "UNAUTHORISED" // a blind repeat
	codeBarred   = "BARRED"       // the record is closed
	codeState    = "STATE"        // the card's state does not allow it
	codeKind     = "KIND"         // another counterpart's business
	codeSerial   = "SERIAL"       // no such certificate, or one that is there already
	codeDisorder = "DISORDER"     // an older notice of the card came after

	revoked = "revoked"
)

// Bounds on what is read and answered.
const (
	requestMax = 64 << 10 // bytes of a telegram
	pageCards  = 500      // cards on one page
)

// telegram is a notice as it arrives.
type telegram struct {
	Key   string            `json:"key"`
	Card  string            `json:"card"`
	Order string            `json:"order"`
	Kind  string            `json:"kind"`
	Seq   int64             `json:"seq"`
	At    time.Time         `json:"at"`
	Facts map[string]string `json:"facts"`
}

// reply is an answer about a notice.
type reply struct {
	Key          string    `json:"key"`
	State        string    `json:"state"`
	Card         string    `json:"card,omitempty"`
	Kind         string    `json:"kind,omitempty"`
	At           time.Time `json:"at,omitzero"`
	Code         string    `json:"code,omitempty"`
	Unauthorised bool      `json:"unauthorised,omitempty"`
}

// ServeHTTP answers the protocol. A call that a fault swallows ends as a connection
// that breaks.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, about := strings.CutPrefix(r.URL.Path, "/v1/notices/")
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/v1/notices":
		s.serveTell(w, r)
	case r.Method == http.MethodGet && about:
		s.serveAsk(w, r, key)
	case r.Method == http.MethodGet && r.URL.Path == "/v1/cards" && s.o.Role == Management:
		s.serveCards(w, r.URL.Query().Get("after"))
	default:
		http.NotFound(w, r)
	}
}

// vanish breaks the connection.
func (s *Server) vanish() {
	s.mu.Lock()
	s.counts.Lost++
	s.mu.Unlock()
	panic(http.ErrAbortHandler)
}

// away is whether nobody is there to answer.
func (s *Server) away() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down || s.dead
}

func (s *Server) serveTell(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestMax))
	var t telegram
	if err == nil {
		err = json.Unmarshal(body, &t)
	}
	if err != nil || t.Key == "" || r.Header.Get("Idempotency-Key") != strconv.Quote(t.Key) {
		http.Error(w, "this is no notice", http.StatusBadRequest)
		return
	}
	if s.away() {
		s.vanish()
	}
	f := s.script.next(false)
	switch f.Kind {
	case LoseCall:
		s.vanish()
	case Busy:
		http.Error(w, "<html>the relay is busy</html>", http.StatusServiceUnavailable)
		return
	case Late:
		time.AfterFunc(f.For, func() { _, _, _ = s.tell(t, None) }) // whoever sent it has gone
		s.vanish()
	}
	status, a, err := s.tell(t, f.Kind)
	if err != nil {
		s.vanish()
	}
	s.send(w, r, status, a, f)
}

// send gives an answer, or what a fault leaves of it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, a reply, f Fault) {
	switch f.Kind {
	case LoseReply:
		s.vanish()
	case Slow:
		select {
		case <-time.After(f.For):
		case <-r.Context().Done(): // nobody waits any more
		}
	case Foreign:
		a.Key += ".other"
	case Garble:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"key":"`+a.Key+`","sta`)
		return
	}
	writeJSON(w, status, a)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may have left
}

// tell takes a telegram in. An error means that nobody is there to answer.
func (s *Server) tell(t telegram, f FaultKind) (int, reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return 0, reply{}, errDead
	}
	s.counts.Tells++
	if e, seen := s.notices[t.Key]; seen && (!e.clear || e.state != "") {
		return s.repeat(t)
	}
	if err := s.remember(line{Op: opSeen, Key: t.Key, Card: t.Card, Kind: t.Kind}); err != nil {
		return 0, reply{}, err
	}
	switch f {
	case Interrupt:
		return 0, reply{}, errInterrupted
	case Die:
		s.dead = true
		return 0, reply{}, errDead
	}
	if code := s.judge(t); code != "" {
		return s.refuse(t, code)
	}
	err := s.remember(line{Op: opTaken, Key: t.Key, Card: t.Card, Kind: t.Kind, Order: t.Order, Seq: t.Seq, Serial: t.Facts["serial"]})
	if err != nil {
		return 0, reply{}, err
	}
	s.counts.Taken++
	if f == DieAfter {
		s.dead = true
		return 0, reply{}, errDead
	}
	return http.StatusOK, s.about(t.Key), nil
}

var errInterrupted = errors.New("the line broke in the middle")

// repeat is what it did in 2016 with a telegram it had seen: unauthorised access.
func (s *Server) repeat(t telegram) (int, reply, error) {
	s.counts.Repeats++
	card := s.notices[t.Key].card
	if err := s.remember(line{Op: opBar, Card: card}); err != nil {
		return 0, reply{}, err
	}
	a := reply{Key: t.Key, State: stateRefused, Card: card, Kind: t.Kind, Code: codeRepeat, Unauthorised: true}
	if s.notices[t.Key].state == "" {
		return s.refuse(t, codeRepeat)
	}
	s.counts.Refused++
	return http.StatusConflict, a, nil
}

func (s *Server) refuse(t telegram, code string) (int, reply, error) {
	if err := s.remember(line{Op: opRefuse, Key: t.Key, Code: code}); err != nil {
		return 0, reply{}, err
	}
	s.counts.Refused++
	if code == codeDisorder {
		s.counts.Disorder++
	}
	return http.StatusConflict, s.about(t.Key), nil
}

// judge is why a notice is refused; empty when it is taken.
func (s *Server) judge(t telegram) string {
	c, ok := s.cards[t.Card]
	if !ok {
		c = &Card{Status: Unregistered}
	}
	_, held := c.Certificates[t.Facts["serial"]]
	certificate := t.Kind == kindCertificateIssued || t.Kind == kindCertificateRevoked
	switch {
	case certificate != (s.o.Role == JPKI):
		return codeKind
	case c.barred:
		return codeBarred
	case t.Seq <= c.seq:
		return codeDisorder
	case t.Kind == kindIssued && c.Status != Unregistered && c.Status != Before:
		return codeState
	case t.Kind == kindVoided && c.Status == Abolished:
		return codeState
	case t.Kind == kindDestroyed && (c.Status != Abolished || c.Destroyed):
		return codeState
	case t.Kind == kindCertificateIssued && (t.Facts["serial"] == "" || held):
		return codeSerial
	case t.Kind == kindCertificateRevoked && c.Certificates[t.Facts["serial"]] == revoked:
		return codeSerial
	case !slices.Contains([]string{kindIssued, kindVoided, kindDestroyed, kindCertificateIssued, kindCertificateRevoked}, t.Kind):
		return codeKind
	}
	return ""
}

// about is what there is under a key.
func (s *Server) about(key string) reply {
	e, ok := s.notices[key]
	if !ok || e.state == "" {
		return reply{Key: key, State: stateNone}
	}
	return reply{Key: key, State: e.state, Card: e.card, Kind: e.kind, At: e.at, Code: e.code, Unauthorised: e.unauthorised}
}

func (s *Server) serveAsk(w http.ResponseWriter, r *http.Request, key string) {
	if s.away() {
		s.vanish()
	}
	f := s.script.next(true)
	switch f.Kind {
	case LoseCall, Interrupt, Late, Die, DieAfter:
		s.vanish()
	case Busy:
		http.Error(w, "<html>the relay is busy</html>", http.StatusServiceUnavailable)
		return
	}
	a, err := s.ask(key)
	if err != nil {
		s.vanish()
	}
	s.send(w, r, http.StatusOK, a, f)
}

// ask answers a question. One about a telegram that was interrupted clears it: its
// sender knows what happened, and may send it again.
func (s *Server) ask(key string) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Asks++
	if e, seen := s.notices[key]; seen && e.state == "" && !e.clear && !s.o.Deaf {
		if err := s.remember(line{Op: opClear, Key: key}); err != nil {
			return reply{}, err
		}
	}
	return s.about(key), nil
}

// cardOnPage is a card in a list.
type cardOnPage struct {
	Card   string    `json:"card"`
	Status Status    `json:"status"`
	At     time.Time `json:"at"`
}

func (s *Server) serveCards(w http.ResponseWriter, after string) {
	if s.away() {
		s.vanish()
	}
	page := struct {
		Cards []cardOnPage `json:"cards"`
		Next  string       `json:"next"`
	}{Cards: []cardOnPage{}}
	for _, c := range s.Cards() {
		if c.Number <= after {
			continue
		}
		if len(page.Cards) == pageCards {
			page.Next = page.Cards[pageCards-1].Card
			break
		}
		page.Cards = append(page.Cards, cardOnPage{c.Number, c.Status, c.Since})
	}
	writeJSON(w, http.StatusOK, page)
}
