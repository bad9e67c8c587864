package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Ways in which a card's 追記欄 became what a Panel says: the card was issued here; a
// clerk said what stands on a card that was not; an entry was printed, written by hand,
// or printed in part.
const (
	PanelIssued  = "issued"
	PanelTold    = "told"
	PanelPrinted = "printed"
	PanelByHand  = "by-hand"
	PanelSpoilt  = "spoilt"
)

var panelWays = []string{PanelIssued, PanelTold, PanelPrinted, PanelByHand, PanelSpoilt}

// Panel is what stands in a card's 追記欄 after a job has changed it, in its caller's own
// words, which hold nothing of the resident. It becomes durable with the record that made
// it so; see Record.Panels.
type Panel struct {
	Card string
	N    int64           // of the card, from 1 without gaps; assigned
	Job  string          // that changed it; assigned
	At   time.Time       // the record's; assigned
	How  string          // PanelIssued and so on
	Body json.RawMessage // the panel as it then is
}

// PanelMax is the most bytes of a panel's body.
const PanelMax = 4 << 10

const panelVersion = "jukicard journal panel 1"

func (p *Panel) digest(before []byte) []byte {
	return hashOf([]byte(panelVersion), before, []byte(p.Card), number(p.N), []byte(p.Job), number(p.At.UnixNano()), []byte(p.How), p.Body)
}

// checkPanels refuses what no reader would understand.
func checkPanels(r Record, wanted string) error {
	for _, p := range r.Panels {
		switch {
		case p.Card == "" || !slices.Contains(panelWays, p.How):
			return ErrInvalid.when(wanted, fmt.Sprintf("there is no panel %q of a card", p.How), nil)
		case len(p.Body) > PanelMax:
			return ErrTooLarge.when(wanted, fmt.Sprintf("a panel has %d bytes, at most %d are kept", len(p.Body), PanelMax), nil)
		case !json.Valid(p.Body):
			return ErrInvalid.when(wanted, "the panel is not JSON", nil)
		}
	}
	return nil
}

// enter puts a record's panels behind those of their cards.
func (j *Journal) enter(ctx context.Context, tx *sql.Tx, r *Record) error {
	for _, p := range r.Panels {
		last, hash, err := lastPanel(ctx, tx, p.Card)
		if err != nil {
			return err
		}
		p.N, p.Job, p.At = last.N+1, r.Job, r.At
		_, err = tx.ExecContext(ctx, "INSERT INTO panel (card, n, job, at, how, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
			p.Card, p.N, p.Job, p.At.UnixNano(), p.How, []byte(p.Body), p.digest(hash))
		if err != nil {
			return err
		}
	}
	return nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Panel is what stands in the 追記欄 of a card, as far as is known here. It fails with
// ErrUnknown for a card of which nothing is, with ErrChain, and as any read.
func (j *Journal) Panel(ctx context.Context, card string) (Panel, error) {
	wanted := "find the panel of card " + card
	last, _, err := lastPanel(ctx, j.db, card)
	if err == nil && last.N == 0 {
		err = ErrUnknown.when(wanted, "", nil)
	}
	return last, failure(wanted, err)
}

// lastPanel is the last panel of a card, whose chain holds, and its hash; the zero Panel
// for a card without any.
func lastPanel(ctx context.Context, db querier, card string) (last Panel, hash []byte, err error) {
	rows, err := db.QueryContext(ctx, "SELECT card, n, job, at, how, body, hash FROM panel WHERE card = ? ORDER BY n", card)
	if err != nil {
		return last, nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p Panel
		var at int64
		var kept []byte
		if err := rows.Scan(&p.Card, &p.N, &p.Job, &at, &p.How, (*[]byte)(&p.Body), &kept); err != nil {
			return last, nil, err
		}
		p.At = time.Unix(0, at).UTC()
		if p.N != last.N+1 || !bytes.Equal(kept, p.digest(hash)) {
			return last, nil, ErrChain.when("read the panel of card "+card, fmt.Sprintf("entry %d is not the one that was written", last.N+1), nil)
		}
		last, hash = p, kept
	}
	return last, hash, rows.Err()
}

// verifyPanels follows the chain of every card's panels.
func (j *Journal) verifyPanels(ctx context.Context) error {
	const wanted = "verify the journal"
	rows, err := j.db.QueryContext(ctx, "SELECT DISTINCT card FROM panel ORDER BY card")
	if err != nil {
		return failure(wanted, err)
	}
	defer func() { _ = rows.Close() }()
	var cards []string
	for rows.Next() {
		var card string
		if err := rows.Scan(&card); err != nil {
			return failure(wanted, err)
		}
		cards = append(cards, card)
	}
	if err := rows.Err(); err != nil {
		return failure(wanted, err)
	}
	for _, card := range cards {
		if _, _, err := lastPanel(ctx, j.db, card); err != nil {
			return failure(wanted, err)
		}
	}
	return nil
}
