package remote

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite", without cgo

	"jukicard/highwater"
	"jukicard/pki"
)

const (
	databaseName  = "requests.db"
	schemaVersion = 1
	noteMax       = 500 // bytes of what was said last
)

// state is how far a request is.
type state string

const (
	unknown  state = ""         // never heard of
	asked    state = "asked"    // it may have gone out, and no answer is known
	waiting  state = "waiting"  // the authority has it and takes its time
	received state = "received" // the certificate is here; whether it must be and was confirmed is not known
	answered state = "answered" // the certificate is here
	refused  state = "refused"  // by the authority's word nothing was issued
)

// schema: question and reply are sealed; key is the SHA-256 of SubjectPublicKeyInfo; serial
// is hexadecimal; revoking is the reason for which it was asked to revoke, revoked that for
// which it did, and since when. Times are Unix seconds.
const schema = `
CREATE TABLE request (
	id       TEXT PRIMARY KEY,
	purpose  TEXT NOT NULL,
	key      BLOB NOT NULL,
	attempt  INTEGER NOT NULL,
	state    TEXT NOT NULL CHECK (state IN ('asked', 'waiting', 'received', 'answered', 'refused')),
	question BLOB NOT NULL,
	reply    BLOB,
	serial   TEXT,
	note     TEXT NOT NULL,
	asked    INTEGER NOT NULL,
	revoking INTEGER,
	revoked  INTEGER,
	since    INTEGER,
	CHECK (state NOT IN ('received', 'answered') OR reply IS NOT NULL AND serial IS NOT NULL)
) STRICT;
CREATE INDEX request_serial ON request (serial);`

// entry is what is known of a request.
type entry struct {
	state    state
	question Question
	reply    Reply
	note     string
}

// ledger is the database. All statements go through one connection.
type ledger struct {
	db   *sql.DB
	seal *sealer
	mark *highwater.Mark
	now  func() time.Time
}

func openLedger(ctx context.Context, dir string, now func() time.Time) (*ledger, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(filepath.Join(dir, databaseName))
	if err != nil {
		return nil, err
	}
	if err := highwater.Check(ctx, path); err != nil {
		return nil, fmt.Errorf("cannot trust its database: %w; put the newest copy of the whole folder back. A request that it has forgotten would be asked a second time", err)
	}
	// SQLite gives its -wal and -shm files the mode of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", highwater.Source(path, url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {"immediate"},
	}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	l := &ledger{db: db, now: now}
	if err := l.open(ctx, dir, path); err != nil {
		_ = l.close() // the first error is the one to tell
		return nil, err
	}
	return l, nil
}

// open judges the file and brings it up to date; the key is made while no other process can.
func (l *ledger) open(ctx context.Context, dir, path string) error {
	var said string
	if err := l.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("its database is damaged: %s; restore it from a backup", said)
	}
	err := l.transact(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > schemaVersion {
			return fmt.Errorf("its database has version %d, this program knows %d; use a newer program", version, schemaVersion)
		}
		var err error
		if l.seal, err = openSealer(dir, version == 0); err != nil || version == schemaVersion {
			return err
		}
		_, err = tx.ExecContext(ctx, schema+highwater.Schema+fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
		return err
	})
	if err != nil {
		return err
	}
	var n int64
	if err := l.db.QueryRowContext(ctx, highwater.Now).Scan(&n); err != nil {
		return err
	}
	if l.mark, err = highwater.Open(path, n); err != nil {
		return err
	}
	return l.sound(ctx)
}

// sound opens whatever is sealed: one that does not open has the wrong key or was changed,
// and a request that looks new for that would be asked a second time.
func (l *ledger) sound(ctx context.Context) error {
	return l.each(ctx, "", func(string, entry) error { return nil })
}

func (l *ledger) close() error {
	err := l.db.Close()
	if l.mark != nil {
		err = errors.Join(err, l.mark.Close())
	}
	return err
}

// write runs f in one transaction that counts. It is durable on return.
func (l *ledger) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	var n int64
	err := l.transact(ctx, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, highwater.Count).Scan(&n)
	})
	if err == nil {
		_ = l.mark.Note(n) // a mark that is behind says nothing
	}
	return err
}

func (l *ledger) transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // f's error is the one to tell
		return err
	}
	return tx.Commit()
}

// sealedQuestion and sealedReply are what a person's data are in.
type (
	sealedQuestion struct{ CSR, Template, Token []byte }
	sealedReply    struct{ DER, Token []byte }
)

// find is what is known of an ID. Another key or purpose under it is pki.ErrIDTaken.
func (l *ledger) find(ctx context.Context, id string, p pki.Purpose, key []byte) (entry, error) {
	var held []byte
	err := l.db.QueryRowContext(ctx, "SELECT key FROM request WHERE id = ? AND state <> 'refused'", id).Scan(&held)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return entry{}, err
	}
	e, found := entry{}, false
	if seen := l.each(ctx, id, func(_ string, one entry) error { e, found = one, true; return nil }); seen != nil || !found {
		return entry{}, seen
	}
	// Where nothing was issued the ID stands for nothing.
	if e.state != refused && (e.question.Purpose != p || !bytes.Equal(held, key)) {
		return entry{}, pki.ErrIDTaken
	}
	return e, nil
}

// each gives every entry to f, or the one of an ID.
func (l *ledger) each(ctx context.Context, id string, f func(id string, e entry) error) (err error) {
	rows, err := l.db.QueryContext(ctx,
		"SELECT id, purpose, attempt, state, question, reply, note FROM request WHERE ?1 = '' OR id = ?1 ORDER BY asked, id", id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			e               entry
			question, reply []byte
		)
		q := &e.question
		if err := rows.Scan(&q.ID, &q.Purpose, &q.Attempt, &e.state, &question, &reply, &e.note); err != nil {
			return err
		}
		if err := l.unseal(&e, question, reply); err != nil {
			return fmt.Errorf("cannot read request %q: %w", q.ID, err)
		}
		if err := f(q.ID, e); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (l *ledger) unseal(e *entry, question, reply []byte) error {
	var q sealedQuestion
	if err := l.seal.open(e.question.ID, question, &q); err != nil {
		return err
	}
	e.question.CSR, e.question.Template, e.question.Token = q.CSR, q.Template, q.Token
	if reply == nil {
		return nil
	}
	var r sealedReply
	if err := l.seal.open(e.question.ID, reply, &r); err != nil {
		return err
	}
	e.reply = Reply(r)
	return nil
}

// begin records that a question is going out.
func (l *ledger) begin(ctx context.Context, q Question, key []byte) error {
	sealed, err := l.seal.seal(q.ID, sealedQuestion{q.CSR, q.Template, q.Token})
	if err != nil {
		return err
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `
			INSERT INTO request (id, purpose, key, attempt, state, question, note, asked) VALUES (?1, ?2, ?3, ?4, 'asked', ?5, '', ?6)
			ON CONFLICT (id) DO UPDATE SET purpose = ?2, key = ?3, state = 'asked', question = ?5, note = '', asked = ?6
			WHERE state = 'refused' AND attempt = ?4`,
			q.ID, string(q.Purpose), key, q.Attempt, sealed, l.now().Unix()))
	})
}

// errMoved: another process has the same record open and was there first.
var errMoved = errors.New("another process works on this request; ask again")

// one wants one row to have changed.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errMoved
}

// wait records that the authority has the question.
func (l *ledger) wait(ctx context.Context, q Question) error {
	sealed, err := l.seal.seal(q.ID, sealedQuestion{q.CSR, q.Template, q.Token})
	if err != nil {
		return err
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, "UPDATE request SET state = 'waiting', question = ? WHERE id = ? AND state IN ('asked', 'waiting')", sealed, q.ID))
	})
}

// receive records the certificate.
func (l *ledger) receive(ctx context.Context, id string, r Reply) error {
	cert, err := x509.ParseCertificate(r.DER)
	if err != nil {
		return err
	}
	sealed, err := l.seal.seal(id, sealedReply(r))
	if err != nil {
		return err
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, "UPDATE request SET state = 'received', reply = ?, serial = ?, note = '' WHERE id = ? AND state IN ('asked', 'waiting', 'received')",
			sealed, cert.SerialNumber.Text(16), id))
	})
}

// answer records that nothing more is to be done about a certificate.
func (l *ledger) answer(ctx context.Context, id string) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, "UPDATE request SET state = 'answered', note = '' WHERE id = ? AND state = 'received'", id))
	})
}

// refuse records that nothing was issued; next has the next question be another one.
func (l *ledger) refuse(ctx context.Context, id string, next bool, note string) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx,
			"UPDATE request SET state = 'refused', reply = NULL, serial = NULL, attempt = attempt + ?, note = ? WHERE id = ? AND state <> 'answered'",
			next, short(note), id))
	})
}

// doubt records why no answer is known.
func (l *ledger) doubt(ctx context.Context, id, note string) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `
			UPDATE request SET note = ?, state = CASE state WHEN 'waiting' THEN 'waiting' WHEN 'received' THEN 'received' ELSE 'asked' END
			WHERE id = ? AND state IN ('asked', 'waiting', 'received')`, short(note), id))
	})
}

func short(note string) string {
	return string(bytes.ToValidUTF8([]byte(note[:min(len(note), noteMax)]), nil))
}
