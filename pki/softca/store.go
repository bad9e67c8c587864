package softca

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite", without cgo

	"jukicard/highwater"
	"jukicard/pki"
)

const (
	databaseName  = "authority.db"
	schemaVersion = 2
	serialTries   = 8 // 62 random bits collide never; a stuck source is found out
)

// schema: own holds the authority's certificates by name; certificate one row per
// request ID, with der sealed, and NULL while only the serial is reserved; crl the number of
// the last list. Times are Unix seconds.
const schema = `
CREATE TABLE own (
	name   TEXT PRIMARY KEY,
	serial TEXT UNIQUE, -- hexadecimal; NULL for a card-verifiable certificate
	der    BLOB NOT NULL
) STRICT;
CREATE TABLE certificate (
	id      TEXT PRIMARY KEY,
	purpose TEXT NOT NULL,
	key     BLOB NOT NULL, -- SHA-256 of SubjectPublicKeyInfo
	serial  TEXT NOT NULL UNIQUE, -- hexadecimal, over both CAs
	der     BLOB,
	revoked INTEGER,
	reason  INTEGER,
	CHECK ((revoked IS NULL) = (reason IS NULL)),
	CHECK (revoked IS NULL OR der IS NOT NULL)
) STRICT;
CREATE TABLE crl (
	purpose TEXT PRIMARY KEY,
	number  INTEGER NOT NULL
) STRICT;`

// store is the database. All statements go through one connection, so that a
// transaction of this process never waits for another of its own.
type store struct {
	db       *sql.DB
	register *register // set once the keys are there, before any row is read or written
	mark     *highwater.Mark
}

// row is what is known of a request ID.
type row struct {
	serial *big.Int
	der    []byte // nil while only the serial is reserved
}

// openStore opens or makes the directory and the database in it.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(filepath.Join(dir, databaseName))
	if err != nil {
		return nil, err
	}
	if err := highwater.Check(context.Background(), path); err != nil {
		return nil, fmt.Errorf("cannot trust its database: %w; put the newest copy of the whole directory back. Certificates it has forgotten would be issued twice: where there is no such copy, use another directory", err)
	}
	// SQLite gives its -wal and -shm files the mode of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &store{db: db}
	if err := s.open(context.Background(), path); err != nil {
		_ = s.close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// open judges the file and brings it up to date.
func (s *store) open(ctx context.Context, path string) error {
	var said string
	if err := s.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("its database is damaged: %s; restore it from a backup", said)
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	var n int64
	err := s.db.QueryRowContext(ctx, highwater.Now).Scan(&n)
	if err == nil {
		s.mark, err = highwater.Open(path, n)
	}
	return err
}

// dsn asks for durability at every commit, and for write transactions from the
// start, so that two processes cannot deadlock in upgrading. A minute of patience
// is for the process that opens a directory while another makes its six keys.
func dsn(path string) string {
	return highwater.Source(path, url.Values{
		"_pragma": {"busy_timeout(60000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	})
}

func (s *store) close() error {
	err := s.db.Close()
	if s.mark != nil {
		err = errors.Join(err, s.mark.Close())
	}
	return err
}

// migrate makes the tables of an empty database and refuses one of a later program.
func (s *store) migrate(ctx context.Context) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case schemaVersion:
			return nil
		case 0:
			_, err := tx.ExecContext(ctx, schema+highwater.Schema+fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
			return err
		case 1: // without the count
			_, err := tx.ExecContext(ctx, highwater.Schema+fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
			return err
		}
		return fmt.Errorf("its database has version %d, this program knows %d; use a newer program", version, schemaVersion)
	})
}

// write runs f in one transaction that counts. A mark that cannot be told of it is
// behind, and the next one brings it up.
func (s *store) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	var n int64
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, highwater.Count).Scan(&n)
	})
	if err == nil {
		_ = s.mark.Note(n)
	}
	return err
}

// transact runs f in one transaction.
func (s *store) transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // f's error is the one to tell
		return err
	}
	return tx.Commit()
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// find returns the row of an ID, empty when there is none. Another key or purpose
// under the ID is pki.ErrIDTaken.
func (s *store) find(ctx context.Context, id string, p pki.Purpose, key []byte) (row, error) {
	return s.findIn(ctx, s.db, id, p, key)
}

func (s *store) findIn(ctx context.Context, q querier, id string, p pki.Purpose, key []byte) (row, error) {
	var (
		purpose, serial string
		held, der       []byte
	)
	err := q.QueryRowContext(ctx, "SELECT purpose, key, serial, der FROM certificate WHERE id = ?", id).
		Scan(&purpose, &held, &serial, &der)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, nil
	}
	if err != nil {
		return row{}, err
	}
	if purpose != string(p) || !bytes.Equal(held, key) {
		return row{}, pki.ErrIDTaken
	}
	n, ok := new(big.Int).SetString(serial, 16)
	if !ok {
		return row{}, errors.New("the database holds a serial number that is none; restore it from a backup")
	}
	der, err = s.register.open(id, der)
	return row{n, der}, err
}

// reserve finds the row of an ID or makes one with a serial number that was never
// used, by this authority's own certificates neither. It is durable on return.
func (s *store) reserve(ctx context.Context, id string, p pki.Purpose, key []byte, draw func() (*big.Int, error)) (row, error) {
	var out row
	err := s.write(ctx, func(tx *sql.Tx) error {
		var err error
		if out, err = s.findIn(ctx, tx, id, p, key); err != nil || out.serial != nil {
			return err
		}
		for range serialTries {
			serial, err := draw()
			if err != nil {
				return err
			}
			done, err := insert(ctx, tx, id, p, key, serial)
			if err != nil || done {
				out.serial = serial
				return err
			}
		}
		return fmt.Errorf("%d serial numbers in a row were used before: the random source is stuck", serialTries)
	})
	return out, err
}

// insert reports false when the serial was used before.
func insert(ctx context.Context, tx *sql.Tx, id string, p pki.Purpose, key []byte, serial *big.Int) (bool, error) {
	res, err := tx.ExecContext(ctx,
		`INSERT INTO certificate (id, purpose, key, serial)
		 SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM own WHERE serial = ?4)
		 ON CONFLICT (serial) DO NOTHING`,
		id, string(p), key, serial.Text(16))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// complete stores the certificate of a reserved row, unless another caller did,
// and returns the one that is stored. It is durable on return.
func (s *store) complete(ctx context.Context, id string, der []byte) ([]byte, error) {
	var stored []byte
	err := s.write(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx,
			"UPDATE certificate SET der = coalesce(der, ?) WHERE id = ? RETURNING der", s.register.seal(id, der), id).Scan(&stored)
	})
	if err != nil {
		return nil, err
	}
	return s.register.open(id, stored)
}

// revoke marks an issued certificate; the same again is nothing, and a hold may
// become final (RFC 5280, 5.3.1). It then keeps the day of the hold (ITU-T X.509, 9.5.3.1):
// with a later one, what was signed in between would look good.
func (s *store) revoke(ctx context.Context, serial *big.Int, why pki.Reason, now time.Time) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		var held sql.NullInt64
		err := tx.QueryRowContext(ctx, "SELECT reason FROM certificate WHERE serial = ? AND der IS NOT NULL", serial.Text(16)).Scan(&held)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return pki.ErrUnknownSerial
		case err != nil:
			return err
		case held.Valid && held.Int64 == int64(why):
			return nil
		case held.Valid && held.Int64 != int64(pki.CertificateHold):
			return pki.ErrRevoked
		}
		_, err = tx.ExecContext(ctx, "UPDATE certificate SET revoked = coalesce(revoked, ?), reason = ? WHERE serial = ?",
			now.Unix(), int(why), serial.Text(16))
		return err
	})
}

// status is what became of the certificate with a serial number under one of the CAs.
func (s *store) status(ctx context.Context, p pki.Purpose, serial *big.Int) (certStatus, error) {
	var revoked, reason sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT revoked, reason FROM certificate WHERE serial = ? AND purpose = ? AND der IS NOT NULL", serial.Text(16), string(p)).
		Scan(&revoked, &reason)
	if errors.Is(err, sql.ErrNoRows) {
		return certStatus{}, nil
	}
	out := certStatus{issued: true, reason: pki.Reason(reason.Int64)}
	if revoked.Valid {
		out.revoked = time.Unix(revoked.Int64, 0).UTC()
	}
	return out, err
}

// list returns all rows, in the order of their IDs.
func (s *store) list(ctx context.Context) (out []Issued, err error) {
	err = s.transact(ctx, func(tx *sql.Tx) error {
		out, err = s.listIn(ctx, tx)
		return err
	})
	return out, err
}

func (s *store) listIn(ctx context.Context, tx *sql.Tx) (out []Issued, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, purpose, serial, der, revoked, reason FROM certificate ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			one             Issued
			serial          string
			revoked, reason sql.NullInt64
		)
		if err := rows.Scan(&one.ID, &one.Purpose, &serial, &one.DER, &revoked, &reason); err != nil {
			return nil, err
		}
		if one.DER, err = s.register.open(one.ID, one.DER); err != nil {
			return nil, err
		}
		one.Serial, _ = new(big.Int).SetString(serial, 16)
		one.Reason = pki.Reason(reason.Int64)
		if revoked.Valid {
			one.Revoked = time.Unix(revoked.Int64, 0).UTC()
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// nextCRL is what goes on the next list and its number, one more than the last.
// Both come out of one transaction, so that a list with a higher number never
// lacks what a lower one has.
func (s *store) nextCRL(ctx context.Context, p pki.Purpose) (all []Issued, number int64, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		if all, err = s.listIn(ctx, tx); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx,
			`INSERT INTO crl (purpose, number) VALUES (?, 1)
			 ON CONFLICT (purpose) DO UPDATE SET number = number + 1 RETURNING number`, string(p)).Scan(&number)
	})
	return all, number, err
}
