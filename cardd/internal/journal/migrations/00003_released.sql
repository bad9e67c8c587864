-- A job that was given up before anything was written to its card: it has ended, and
-- its card is free. In the table such a job is spoiled and released, for the states a
-- row may be in are fixed with it; whoever reads it is told that it is abandoned.

-- +goose Up
ALTER TABLE job ADD COLUMN released INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1)); -- derived, for listing
