package journal

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Error is every failure of the journal. Its text never holds a record's body.
type Error struct {
	Code   string // stable, see docs/FAILURES.md
	Wanted string // what was being done: "append to job 17"
	Wrong  string // what went wrong
	Remedy string // what to do about it
	cause  error
}

// Error reads "cannot append to job 17: the disk is full; free some space …".
func (e *Error) Error() string { return "cannot " + e.Wanted + ": " + e.Wrong + "; " + e.Remedy }

// Damaged is whether the file, or what is left of it, is not what was written: nothing
// may be built on it.
func (e *Error) Damaged() bool {
	return slices.Contains([]string{ErrCorrupt.Code, ErrChain.Code, ErrLost.Code, ErrMark.Code}, e.Code)
}

// Is is whether target is of the same kind, whatever else it says: compare with
// the Err values below.
func (e *Error) Is(target error) bool {
	kind, ok := target.(*Error)
	return ok && kind.Code == e.Code
}

// Unwrap is the system's own error, if there was one.
func (e *Error) Unwrap() error { return e.cause }

// Kinds of failure, targets of errors.Is.
var (
	// ErrExists: the order already has a job that is running or held, or the id is taken.
	ErrExists = kind("JOURNAL-JOB-EXISTS", "the order already has a job that is running or held", "let that job end, or end it, before the order is started again")
	// ErrUnknown: there is no such job.
	ErrUnknown = kind("JOURNAL-JOB-UNKNOWN", "there is no such job", "list the jobs with: cardctl jobs")
	// ErrInvalid: what the caller offered breaks a rule of the journal.
	ErrInvalid = kind("JOURNAL-INVALID", "what was offered breaks a rule of the journal", "this is a fault in cardd: report it")
	// ErrTooLarge: a body over BodyMax or PlanMax, or a sealed order over SealedMax.
	ErrTooLarge = kind("JOURNAL-TOO-LARGE", "it is larger than the journal takes", "this is a fault in cardd: report it")
	// ErrRecords: the job has RecordsMax records.
	ErrRecords = kind("JOURNAL-RECORDS-MAX", "the job has as many records as a job may have", "put the card aside and start the order again on another")
	// ErrDropped: the sealed order was dropped.
	ErrDropped = kind("JOURNAL-SEALED-DROPPED", "the order's data were dropped when the job ended", "submit the order again as a new job")
	// ErrLocked: another daemon has the file.
	ErrLocked = kind("JOURNAL-LOCKED", "another daemon has this journal open", "stop the other cardd, or give this one a state_dir of its own")
	// ErrBusy: another program, not a daemon, holds the database.
	ErrBusy = kind("JOURNAL-BUSY", "another program holds the database", "close whatever else has the file open, a backup or a sqlite3 shell")
	// ErrFull: the disk is full; nothing was written.
	ErrFull = kind("JOURNAL-DISK-FULL", "the disk is full", "free some space under the state_dir and let the job go on; nothing was lost")
	// ErrReadOnly: the file or its folder cannot be written.
	ErrReadOnly = kind("JOURNAL-READ-ONLY", "the file cannot be written", "give the daemon's user the right to write the state_dir, or mount its file system for writing")
	// ErrCorrupt: SQLite found the file damaged.
	ErrCorrupt = kind("JOURNAL-CORRUPT", "the file is damaged or is no SQLite database", "stop cardd, keep the file with its -wal as evidence, restore the last backup, and look at every card that was in work since")
	// ErrChain: a record is not the one that was written.
	ErrChain = kind("JOURNAL-CHAIN-BROKEN", "a record is not the one that was written", "stop cardd, keep the file as evidence, and restore the last backup whose chain holds")
	// ErrLost: the file does not hold what it had taken before.
	ErrLost = kind("JOURNAL-LOST", "the file does not hold what it had taken before", "stop cardd, keep all files as evidence, and put the newest journal.db back with the -wal that belongs to it; where there is none, look at every card in work since, then delete journal.db.mark and start again")
	// ErrMark: the mark beside the file is damaged.
	ErrMark = kind("JOURNAL-MARK", "the mark beside the file is damaged", "look at the disk; where journal.db and its -wal are sound, delete journal.db.mark and start again")
	// ErrNewer: a newer cardd wrote the file.
	ErrNewer = kind("JOURNAL-SCHEMA-NEWER", "a newer cardd wrote this file", "run that version of cardd, or newer, again")
	// ErrForeign: the database is another program's.
	ErrForeign = kind("JOURNAL-FOREIGN", "the file is another program's database", "give cardd a state_dir of its own")
	// ErrIO: the system refused to read or write for another reason.
	ErrIO = kind("JOURNAL-IO", "the system could not read or write the file", "look at the disk and the system's log")
)

func kind(code, wrong, remedy string) *Error { return &Error{Code: code, Wrong: wrong, Remedy: remedy} }

// Kinds are all kinds of failure, for a handbook.
func Kinds() []*Error {
	return []*Error{
		ErrExists, ErrUnknown, ErrInvalid, ErrTooLarge, ErrRecords, ErrDropped, ErrLocked, ErrBusy,
		ErrFull, ErrReadOnly, ErrCorrupt, ErrChain, ErrLost, ErrMark, ErrNewer, ErrForeign, ErrIO,
	}
}

// when is the kind with what was wanted and, where there is more to say than the
// kind does, what went wrong.
func (e *Error) when(wanted, wrong string, cause error) *Error {
	about := *e
	about.Wanted, about.cause = wanted, cause
	if wrong != "" {
		about.Wrong = wrong
	}
	return &about
}

// bySQLite are SQLite's primary result codes (sqlite.org/rescode.html).
var bySQLite = map[int]*Error{
	sqlite3.SQLITE_FULL:     ErrFull,
	sqlite3.SQLITE_READONLY: ErrReadOnly,
	sqlite3.SQLITE_PERM:     ErrReadOnly,
	sqlite3.SQLITE_CORRUPT:  ErrCorrupt,
	sqlite3.SQLITE_NOTADB:   ErrCorrupt,
	sqlite3.SQLITE_BUSY:     ErrBusy,
	sqlite3.SQLITE_LOCKED:   ErrBusy,
}

// failure gives whatever the system said its kind. A context's end and an *Error
// pass unchanged, and so does nil.
func failure(wanted string, err error) error {
	var ours *Error
	var theirs *sqlite.Error
	switch {
	case err == nil, errors.As(err, &ours):
		return err
	case errors.As(err, &theirs):
		if k := bySQLite[theirs.Code()&0xff]; k != nil {
			return k.when(wanted, "", err)
		}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ErrFull.when(wanted, "", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ErrReadOnly.when(wanted, "", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return ErrIO.when(wanted, "the system said: "+err.Error(), err)
}

// isUnique is whether SQLite refused a second row where only one is allowed.
func isUnique(err error) bool {
	var theirs *sqlite.Error
	return errors.As(err, &theirs) &&
		(theirs.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || theirs.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}
