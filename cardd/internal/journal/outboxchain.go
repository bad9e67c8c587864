package journal

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// The outbox is one chain of notices, and each notice begins a chain of moves;
// both are hashed as records are.
const (
	noticeVersion = "jukicard journal notice 1"
	moveVersion   = "jukicard journal move 1"
)

// digest is the notice's own hash, over that of the notice before.
func (n *Notice) digest(prev []byte) []byte {
	return hashOf([]byte(noticeVersion), prev, number(n.Seq), []byte(n.Party), []byte(n.Key), []byte(n.Card), []byte(n.Order),
		[]byte(n.Job), []byte(n.Kind), number(n.At.UnixNano()), n.Facts)
}

// digest is the move's own hash, over that of the move before or of the notice.
func (m *Move) digest(prev []byte) []byte {
	held := byte(0)
	if m.Held {
		held = 1
	}
	return hashOf([]byte(moveVersion), prev, number(int64(m.N)), number(m.At.UnixNano()), []byte(m.Act), []byte(m.State), []byte{held}, []byte(m.Code), []byte(m.By))
}

// movesOf are a notice's moves with the hash of each.
func (j *Journal) movesOf(ctx context.Context, seq int64) ([]Move, [][]byte, error) {
	const wanted = "read a notice's history"
	rows, err := j.db.QueryContext(ctx, "SELECT n, at, act, state, held, code, by, hash FROM outbox_move WHERE notice = ? ORDER BY n", seq)
	if err != nil {
		return nil, nil, failure(wanted, err)
	}
	defer func() { _ = rows.Close() }()
	var moves []Move
	var hashes [][]byte
	for rows.Next() {
		var m Move
		var at int64
		var hash []byte
		if err := rows.Scan(&m.N, &at, &m.Act, &m.State, &m.Held, &m.Code, &m.By, &hash); err != nil {
			return nil, nil, failure(wanted, err)
		}
		m.At = time.Unix(0, at).UTC()
		moves, hashes = append(moves, m), append(hashes, hash)
	}
	return moves, hashes, failure(wanted, rows.Err())
}

// sound checks one notice before anybody acts on it: its words, by the hash of the
// one before, and its history.
func (j *Journal) sound(ctx context.Context, n *Notice) error {
	var prev []byte
	err := j.db.QueryRowContext(ctx, "SELECT coalesce((SELECT hash FROM outbox WHERE seq = ?), x'')", n.Seq-1).Scan(&prev)
	if err != nil {
		return failure(n.wanted("verify"), err)
	}
	return j.verifyNotice(ctx, n, prev)
}

func (j *Journal) verifyNotice(ctx context.Context, n *Notice, prev []byte) error {
	if !bytes.Equal(n.hash, n.digest(prev)) {
		return ErrChain.when(n.wanted("verify"), fmt.Sprintf("notice %d was changed after it was accepted, or the one before was", n.Seq), nil)
	}
	moves, hashes, err := j.movesOf(ctx, n.Seq)
	if err != nil {
		return err
	}
	if wrong := n.history(moves, hashes); wrong != "" {
		return ErrChain.when(n.wanted("verify"), wrong, nil)
	}
	return nil
}

// history plays a notice's moves and says what is wrong with them; empty when they
// lead to where the notice stands.
func (n *Notice) history(moves []Move, hashes [][]byte) string {
	if len(moves) != n.Moves {
		return fmt.Sprintf("its history has %d moves, %d were written", len(moves), n.Moves)
	}
	var again Notice
	prev := n.hash
	for i, m := range moves {
		if m.N != i+1 || !bytes.Equal(hashes[i], m.digest(prev)) {
			return fmt.Sprintf("move %d was changed after it was written", i+1)
		}
		prev = hashes[i]
		if i == 0 {
			again = Notice{State: m.State, Moves: 1}
			continue
		}
		if err := again.move("replay", again.State, m); err != nil {
			return fmt.Sprintf("move %d cannot follow: %v", i+1, err)
		}
	}
	if again.State != n.State || again.Held != n.Held || again.Tells != n.Tells || !again.Told.Equal(n.Told) || again.Code != n.Code || !bytes.Equal(prev, n.head) {
		return fmt.Sprintf("it stands as %s, its history leads to %s", n.State, again.State)
	}
	return ""
}

// VerifyOutbox checks every notice and its history. The error, ErrChain, names the
// notice and what is wrong with it.
func (j *Journal) VerifyOutbox(ctx context.Context) error {
	const wanted = "verify the outbox"
	var last int64
	var head []byte
	if err := j.db.QueryRowContext(ctx, "SELECT notices, hash FROM outbox_end").Scan(&last, &head); err != nil {
		return failure(wanted, err)
	}
	var prev []byte
	seq := int64(0)
	for {
		page, err := j.Notices(ctx, seq, NoticesMax)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			if seq++; page[i].Seq != seq {
				return ErrChain.when(wanted, fmt.Sprintf("notice %d is missing", seq), nil)
			}
			if err := j.verifyNotice(ctx, &page[i], prev); err != nil {
				return err
			}
			prev = page[i].hash
		}
	}
	if seq != last || !bytes.Equal(prev, head) {
		return ErrChain.when(wanted, fmt.Sprintf("notice %d is the last, %d were accepted", seq, last), nil)
	}
	return nil
}
