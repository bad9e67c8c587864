-- What notices damage that no chain of records shows.

-- +goose Up
ALTER TABLE job ADD COLUMN guard BLOB NOT NULL DEFAULT x''; -- hash over what the job is and where it stands

-- How many transactions this file has taken, which the mark beside it tells too.
CREATE TABLE written (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	n   INTEGER NOT NULL
) STRICT;
INSERT INTO written VALUES (1, 0);
