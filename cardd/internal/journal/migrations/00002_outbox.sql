-- The outbox: notices to the parties outside, in the order they were accepted
-- here, and for each a history that only grows.
-- Times are nanoseconds since 1970 UTC; 0 is never.

-- +goose Up
CREATE TABLE outbox (
	seq      INTEGER NOT NULL PRIMARY KEY,     -- order of acceptance, from 1 without gaps
	party    TEXT    NOT NULL,
	key      TEXT    NOT NULL,                 -- idempotency key
	card     TEXT    NOT NULL,
	order_id TEXT    NOT NULL,
	job      TEXT    NOT NULL,                 -- empty where it comes from no job
	kind     TEXT    NOT NULL,
	at       INTEGER NOT NULL,
	facts    BLOB    NOT NULL,                 -- JSON
	hash     BLOB    NOT NULL,                 -- over the hash of the notice before and all of the above
	state    TEXT    NOT NULL CHECK (state IN ('intended', 'unknown', 'accepted', 'refused')), -- derived: the last move's
	held     INTEGER NOT NULL CHECK (held IN (0, 1)), -- derived: it waits for a person, and so does its card
	tells    INTEGER NOT NULL,                 -- derived: how often it was told since a person last looked
	told     INTEGER NOT NULL,                 -- derived: when it was last told
	code     TEXT    NOT NULL,                 -- derived
	moves    INTEGER NOT NULL,                 -- how long its history is
	head     BLOB    NOT NULL,                 -- hash of its last move
	UNIQUE (party, key)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (party, seq) WHERE state IN ('intended', 'unknown');
CREATE INDEX outbox_held ON outbox (party, card, seq) WHERE held = 1;
CREATE INDEX outbox_card ON outbox (card, seq);

CREATE TABLE outbox_move (
	notice INTEGER NOT NULL REFERENCES outbox (seq),
	n      INTEGER NOT NULL,                   -- from 1, without gaps
	at     INTEGER NOT NULL,
	act    TEXT    NOT NULL,                   -- queued, begun, accepted ...: what moved it
	state  TEXT    NOT NULL,                   -- where to
	held   INTEGER NOT NULL,
	code   TEXT    NOT NULL,
	by     TEXT    NOT NULL,                   -- the person, where one moved it
	hash   BLOB    NOT NULL,                   -- over the hash before and all of the above
	PRIMARY KEY (notice, n)
) STRICT, WITHOUT ROWID;

-- Where the outbox ends, so that a lost tail is noticed.
CREATE TABLE outbox_end (
	one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	notices INTEGER NOT NULL,
	hash    BLOB    NOT NULL
) STRICT;
INSERT INTO outbox_end VALUES (1, 0, x'');

-- What was said stays said, not even changed by mistake; and what was accepted is
-- never told again.
-- +goose StatementBegin
CREATE TRIGGER outbox_said BEFORE UPDATE OF seq, party, key, card, order_id, job, kind, at, facts, hash ON outbox BEGIN
	SELECT RAISE (ABORT, 'notices are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_accepted BEFORE UPDATE ON outbox WHEN OLD.state = 'accepted' BEGIN
	SELECT RAISE (ABORT, 'an accepted notice is settled');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_kept BEFORE DELETE ON outbox BEGIN
	SELECT RAISE (ABORT, 'notices are kept');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_move_stays BEFORE UPDATE ON outbox_move BEGIN
	SELECT RAISE (ABORT, 'moves are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outbox_move_kept BEFORE DELETE ON outbox_move BEGIN
	SELECT RAISE (ABORT, 'moves are append-only');
END;
-- +goose StatementEnd
