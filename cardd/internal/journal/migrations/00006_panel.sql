-- What stands in the 追記欄 of a card, as far as this station knows: a row each time that
-- something came to stand there, so that the last one of a card tells. Nothing personal.
-- Times are nanoseconds since 1970 UTC.

-- +goose Up
CREATE TABLE panel (
	card TEXT    NOT NULL,
	n    INTEGER NOT NULL,                     -- of the card, from 1 without gaps
	job  TEXT    NOT NULL REFERENCES job (id),
	at   INTEGER NOT NULL,
	how  TEXT    NOT NULL CHECK (how IN ('issued', 'told', 'printed', 'by-hand', 'spoilt')),
	body BLOB    NOT NULL,                     -- JSON: layout, version, entries by their lines
	hash BLOB    NOT NULL,                     -- over the hash of the card's row before and all of the above
	PRIMARY KEY (card, n)
) STRICT, WITHOUT ROWID;

-- What stands on a card stays there.
-- +goose StatementBegin
CREATE TRIGGER panel_stays BEFORE UPDATE ON panel BEGIN
	SELECT RAISE (ABORT, 'panels are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER panel_kept BEFORE DELETE ON panel BEGIN
	SELECT RAISE (ABORT, 'panels are append-only');
END;
-- +goose StatementEnd
