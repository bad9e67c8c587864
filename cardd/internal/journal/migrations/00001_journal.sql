-- The journal: jobs, and for each a chain of records that only grows.
-- Times are nanoseconds since 1970 UTC.

-- +goose Up
CREATE TABLE job (
	id          TEXT    NOT NULL PRIMARY KEY,
	order_id    TEXT    NOT NULL,
	card_id     TEXT    NOT NULL,              -- derived: which card, once it is known
	station     TEXT    NOT NULL,
	profile     TEXT    NOT NULL,
	product     TEXT    NOT NULL,
	operation   TEXT    NOT NULL,
	plan_digest TEXT    NOT NULL,
	created     INTEGER NOT NULL,
	state       TEXT    NOT NULL CHECK (state IN ('running', 'held', 'spoiled', 'done')), -- derived, for listing
	reason      TEXT    NOT NULL,              -- derived
	updated     INTEGER NOT NULL,              -- derived
	done        INTEGER NOT NULL,              -- derived: steps
	total       INTEGER NOT NULL,              -- derived: steps
	records     INTEGER NOT NULL,              -- how long the chain is
	head        BLOB    NOT NULL,              -- hash of its last record, so that a lost tail is noticed
	sealed      BLOB                           -- the order, encrypted; NULL once dropped
) STRICT;

-- One order is carried out by one job at a time.
CREATE UNIQUE INDEX job_order_live ON job (order_id) WHERE state IN ('running', 'held');
CREATE INDEX job_order ON job (order_id, created);
CREATE INDEX job_card ON job (card_id, created) WHERE card_id <> '';
CREATE INDEX job_created ON job (created);

CREATE TABLE record (
	job  TEXT    NOT NULL REFERENCES job (id),
	seq  INTEGER NOT NULL,                     -- from 1, without gaps
	at   INTEGER NOT NULL,
	kind TEXT    NOT NULL,
	step TEXT    NOT NULL,
	body BLOB    NOT NULL,                     -- JSON
	prev BLOB    NOT NULL,
	hash BLOB    NOT NULL,
	PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

-- Nothing that happened is ever changed or taken back, not even by mistake.
-- +goose StatementBegin
CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN
	SELECT RAISE (ABORT, 'records are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER record_kept BEFORE DELETE ON record BEGIN
	SELECT RAISE (ABORT, 'records are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER job_kept BEFORE DELETE ON job BEGIN
	SELECT RAISE (ABORT, 'jobs are kept');
END;
-- +goose StatementEnd

-- "juki": how file(1) and Open know a journal from another program's database.
PRAGMA application_id = 1786080105;
