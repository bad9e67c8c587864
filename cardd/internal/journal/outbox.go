package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The states of a notice, as cardd/internal/upstream names them.
const (
	NoticeIntended = "intended" // to be told; surely not told, or surely not arrived
	NoticeUnknown  = "unknown"  // told, and nobody here knows what came of it
	NoticeAccepted = "accepted" // the party has it
	NoticeRefused  = "refused"  // the party answered no
)

// noticeMoves are where a notice may go from each state. To the same state it may
// go with another Held alone; from accepted it goes nowhere.
var noticeMoves = map[string][]string{
	NoticeIntended: {NoticeUnknown, NoticeIntended},
	NoticeUnknown:  {NoticeIntended, NoticeUnknown, NoticeAccepted, NoticeRefused},
	NoticeRefused:  {NoticeRefused},
}

// Bounds on the outbox.
const (
	NoticeFactsMax = 4 << 10 // bytes of a notice's facts
	NoticesMax     = 10000   // notices in one listing
	MovesMax       = 1024    // moves of one notice
)

// Notice is what one party outside is to be told about one card. Everything up to
// Facts is bound by the outbox's chain once it is accepted, and never changes.
type Notice struct {
	Seq   int64           // order of acceptance over all parties, from 1 without gaps; assigned
	Party string          // who is told
	Key   string          // idempotency key: unique with its party for ever
	Card  string          // card identification number
	Order string          // the order it comes from; may be empty
	Job   string          // the job it comes from; AppendWith sets it
	Kind  string          // what happened to the card
	At    time.Time       // when; set when zero
	Facts json.RawMessage // serial numbers and digests, never personal data; null when nil

	State string    // where it stands; NoticeIntended when empty, NoticeUnknown where the party must be asked first
	Held  bool      // it waits for a person, and with it what is younger of the same card
	Tells int       // how often it was told since a person last looked at it
	Told  time.Time // when it was last told; zero for never
	Code  string    // the failure code of the last move; may be empty
	Moves int       // how long its history is

	hash, head []byte
}

// Move is one line of a notice's history.
type Move struct {
	N     int       // from 1, without gaps; assigned
	At    time.Time // set when zero
	Act   string    // what moved it: "queued", "begun", "accepted"
	State string    // where to
	Held  bool      // it waits for a person from here on
	Code  string    // stable failure code, where there is one
	By    string    // the person, where one moved it
}

// Acts that the outbox itself tells apart: a notice is queued once; begun is
// written before its telegram leaves, and counts; a person who releases it makes
// the count begin anew.
const (
	ActQueued   = "queued"
	ActBegun    = "begun"
	ActReleased = "released"
)

const noticeColumns = "seq, party, key, card, order_id, job, kind, at, facts, hash, state, held, tells, told, code, moves, head"

// AppendWith is Append that also accepts notices, all in one transaction: after a
// crash the record and its notices are there, or neither. A notice that is there
// already, word for word, is not accepted twice, so that a caller who does not
// know may do it again.
//
// It fails as Append does, and with ErrInvalid and ErrTooLarge for a notice.
func (j *Journal) AppendWith(ctx context.Context, jobID string, r Record, notices ...Notice) (Record, error) {
	ctx = context.WithoutCancel(ctx)
	wanted := "append to job " + jobID
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.Job, r.At = jobID, time.Unix(0, r.At.UnixNano()).UTC()
	if r.Body == nil {
		r.Body = json.RawMessage("null")
	}
	if err := check(r, wanted); err != nil {
		return Record{}, err
	}
	notices = slices.Clone(notices)
	for i := range notices {
		notices[i].Job = jobID
		if notices[i].At.IsZero() {
			notices[i].At = r.At
		}
	}
	err := j.write(ctx, func(tx *sql.Tx) error {
		if err := j.link(ctx, tx, wanted, &r); err != nil {
			return err
		}
		return enqueue(ctx, tx, notices)
	})
	if err != nil {
		return Record{}, failure(wanted, err)
	}
	return r, nil
}

// Enqueue accepts notices that come with no record, all or none, durable on
// return. One that is there already, word for word, is not accepted twice.
//
// It fails with ErrInvalid, also for another notice under a key that is taken,
// with ErrTooLarge, and as any write.
func (j *Journal) Enqueue(ctx context.Context, notices ...Notice) error {
	ctx = context.WithoutCancel(ctx)
	err := j.write(ctx, func(tx *sql.Tx) error { return enqueue(ctx, tx, slices.Clone(notices)) })
	return failure("accept notices", err)
}

func enqueue(ctx context.Context, tx *sql.Tx, notices []Notice) error {
	for i := range notices {
		n := &notices[i]
		n.fill()
		if err := n.check(); err != nil {
			return err
		}
		switch same, err := n.isThere(ctx, tx); {
		case err != nil:
			return err
		case same:
			continue
		}
		if err := n.insert(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// fill gives what the caller may leave out.
func (n *Notice) fill() {
	if n.State == "" {
		n.State = NoticeIntended
	}
	if n.At.IsZero() {
		n.At = time.Now()
	}
	n.At = time.Unix(0, n.At.UnixNano()).UTC()
	if n.Facts == nil {
		n.Facts = json.RawMessage("null")
	}
}

// wanted names the notice in errors.
func (n *Notice) wanted(what string) string { return what + " notice " + n.Key + " to " + n.Party }

// check refuses what no reader would understand.
func (n *Notice) check() error {
	wanted := n.wanted("accept")
	switch {
	case n.Party == "" || n.Key == "" || n.Card == "" || n.Kind == "":
		return ErrInvalid.when(wanted, "a notice needs a party, a key, a card and a kind", nil)
	case n.State != NoticeIntended && n.State != NoticeUnknown:
		return ErrInvalid.when(wanted, fmt.Sprintf("a notice begins %s or %s, not %q", NoticeIntended, NoticeUnknown, n.State), nil)
	case len(n.Facts) > NoticeFactsMax:
		return ErrTooLarge.when(wanted, fmt.Sprintf("its facts have %d bytes, at most %d are kept", len(n.Facts), NoticeFactsMax), nil)
	case !json.Valid(n.Facts):
		return ErrInvalid.when(wanted, "its facts are not JSON", nil)
	}
	return nil
}

// isThere is whether this very notice was accepted before. Another one under its
// key is refused: a key that means two things would make the party answer for the
// wrong one.
func (n *Notice) isThere(ctx context.Context, tx *sql.Tx) (bool, error) {
	var card, order, kind string
	var facts []byte
	err := tx.QueryRowContext(ctx, "SELECT card, order_id, kind, facts FROM outbox WHERE party = ? AND key = ?", n.Party, n.Key).Scan(&card, &order, &kind, &facts)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case card != n.Card || order != n.Order || kind != n.Kind || string(facts) != string(n.Facts):
		return false, ErrInvalid.when(n.wanted("accept"), "the key is taken by another notice", nil)
	}
	return true, nil
}

// insert puts n at the end of the outbox, with the first move of its history.
func (n *Notice) insert(ctx context.Context, tx *sql.Tx) error {
	var prev []byte
	if err := tx.QueryRowContext(ctx, "SELECT notices, hash FROM outbox_end").Scan(&n.Seq, &prev); err != nil {
		return err
	}
	n.Seq++
	n.hash = n.digest(prev)
	first := Move{N: 1, At: time.Now(), Act: ActQueued, State: n.State}
	n.Moves, n.head = 1, first.digest(n.hash)
	_, err := tx.ExecContext(ctx, "INSERT INTO outbox ("+noticeColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '', 1, ?)",
		n.Seq, n.Party, n.Key, n.Card, n.Order, n.Job, n.Kind, n.At.UnixNano(), []byte(n.Facts), n.hash, n.State, n.head)
	if err != nil {
		return err
	}
	if err := first.insert(ctx, tx, n); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE outbox_end SET notices = ?, hash = ?", n.Seq, n.hash)
	return err
}

func (m *Move) insert(ctx context.Context, tx *sql.Tx, n *Notice) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO outbox_move (notice, n, at, act, state, held, code, by, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		n.Seq, m.N, m.At.UnixNano(), m.Act, m.State, m.Held, m.Code, m.By, n.head)
	return err
}

// NextNotice is the notice that a party has to hear next: the oldest that is not
// settled, but for those behind one of the same card that waits for a person. ok
// is false when there is none. It fails with ErrChain for a notice that is not the
// one accepted, and as any read.
func (j *Journal) NextNotice(ctx context.Context, party string) (n Notice, ok bool, err error) {
	found, err := j.notices(ctx, `WHERE party = ?1 AND state IN ('intended', 'unknown') AND NOT EXISTS (
		SELECT 1 FROM outbox AS older WHERE older.party = ?1 AND older.card = outbox.card AND older.held = 1 AND older.seq <= outbox.seq)
		ORDER BY seq LIMIT 1`, party)
	if err != nil || len(found) == 0 {
		return Notice{}, false, err
	}
	return found[0], true, j.sound(ctx, &found[0])
}

// Notice is one notice. It fails with ErrUnknown and as any read.
func (j *Journal) Notice(ctx context.Context, party, key string) (Notice, error) {
	found, err := j.notices(ctx, "WHERE party = ? AND key = ?", party, key)
	if err == nil && len(found) == 0 {
		err = noNotice("find", party, key)
	}
	if err != nil {
		return Notice{}, err
	}
	return found[0], nil
}

func noNotice(what, party, key string) error {
	n := Notice{Party: party, Key: key}
	return ErrUnknown.when(n.wanted(what), "there is no such notice", nil)
}

// NoticesOf are the notices about a card, to every party, in order of acceptance.
func (j *Journal) NoticesOf(ctx context.Context, card string) ([]Notice, error) {
	return j.notices(ctx, "WHERE card = ? ORDER BY seq LIMIT ?", card, NoticesMax)
}

// Notices are the notices after a number, in order of acceptance, at most limit
// and at most NoticesMax.
func (j *Journal) Notices(ctx context.Context, after int64, limit int) ([]Notice, error) {
	return j.notices(ctx, "WHERE seq > ? ORDER BY seq LIMIT ?", after, min(max(limit, 0), NoticesMax))
}

// Unsettled are the oldest notices that are neither accepted nor closed by a
// person, in order of acceptance, at most limit and at most NoticesMax.
func (j *Journal) Unsettled(ctx context.Context, limit int) ([]Notice, error) {
	// Each half has an index of its own; together with OR neither would be used.
	return j.notices(ctx, `WHERE seq IN (SELECT seq FROM outbox WHERE state IN ('intended', 'unknown') UNION SELECT seq FROM outbox WHERE held = 1)
		ORDER BY seq LIMIT ?`, min(max(limit, 0), NoticesMax))
}

func (j *Journal) notices(ctx context.Context, where string, args ...any) ([]Notice, error) {
	const wanted = "list notices"
	rows, err := j.db.QueryContext(ctx, "SELECT "+noticeColumns+" FROM outbox "+where, args...)
	if err != nil {
		return nil, failure(wanted, err)
	}
	defer func() { _ = rows.Close() }()
	var found []Notice
	for rows.Next() {
		var n Notice
		var at, told int64
		err := rows.Scan(&n.Seq, &n.Party, &n.Key, &n.Card, &n.Order, &n.Job, &n.Kind, &at, (*[]byte)(&n.Facts), &n.hash,
			&n.State, &n.Held, &n.Tells, &told, &n.Code, &n.Moves, &n.head)
		if err != nil {
			return nil, failure(wanted, err)
		}
		n.At = time.Unix(0, at).UTC()
		if told != 0 {
			n.Told = time.Unix(0, told).UTC()
		}
		found = append(found, n)
	}
	return found, failure(wanted, rows.Err())
}

// MoveNotice takes a notice from the state it must be in to another and writes
// that into its history, durable on return; the notice as it stands then is given
// back. The end of ctx does not stop it.
//
// It fails with ErrUnknown, with ErrInvalid when the notice is not in that state
// (somebody else moved it) or may not go there, with ErrRecords after MovesMax
// moves, and as any write.
func (j *Journal) MoveNotice(ctx context.Context, party, key, from string, m Move) (Notice, error) {
	ctx = context.WithoutCancel(ctx)
	n, err := j.Notice(ctx, party, key)
	if err != nil {
		return Notice{}, err
	}
	wanted := n.wanted("move")
	if m.At.IsZero() {
		m.At = time.Now()
	}
	m.At = time.Unix(0, m.At.UnixNano()).UTC()
	before := n.head
	if err := n.move(wanted, from, m); err != nil {
		return Notice{}, err
	}
	m.N = n.Moves
	err = j.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE outbox SET state = ?, held = ?, tells = ?, told = ?, code = ?, moves = ?, head = ? WHERE seq = ? AND head = ?",
			n.State, n.Held, n.Tells, never(n.Told), n.Code, n.Moves, n.head, n.Seq, before)
		if err != nil {
			return err
		}
		if changed, err := result.RowsAffected(); err == nil && changed == 0 {
			return ErrInvalid.when(wanted, "somebody else moved it at the same time", nil)
		}
		return m.insert(ctx, tx, &n)
	})
	if err != nil {
		return Notice{}, failure(wanted, err)
	}
	return n, nil
}

// move is the pure part of MoveNotice, and what a check of the history replays.
func (n *Notice) move(wanted, from string, m Move) error {
	switch {
	case n.State != from:
		return ErrInvalid.when(wanted, fmt.Sprintf("it is %s, not %s", n.State, from), nil)
	case !slices.Contains(noticeMoves[from], m.State):
		return ErrInvalid.when(wanted, fmt.Sprintf("from %s it cannot become %q", from, m.State), nil)
	case n.Moves >= MovesMax:
		return ErrRecords.when(wanted, fmt.Sprintf("it has %d moves, as many as a notice may have", n.Moves), nil)
	}
	n.Moves++
	m.N = n.Moves
	n.head = m.digest(n.head)
	n.State, n.Held, n.Code = m.State, m.Held, m.Code
	switch m.Act {
	case ActBegun:
		n.Tells, n.Told = n.Tells+1, m.At
	case ActReleased:
		n.Tells = 0
	}
	return nil
}

// never is a time as a number, 0 for the zero time.
func never(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Moves are the history of a notice, oldest first. It fails with ErrUnknown and as
// any read.
func (j *Journal) Moves(ctx context.Context, party, key string) ([]Move, error) {
	n, err := j.Notice(ctx, party, key)
	if err != nil {
		return nil, err
	}
	moves, _, err := j.movesOf(ctx, n.Seq)
	return moves, err
}
