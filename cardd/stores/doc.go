// Package stores holds no program, only the tests that damage what the daemon keeps
// between its lives: the journal, the keys of orders and of receipts, the embedded
// authority. Files are cut off, changed by a bit, exchanged, taken away, put back from
// before; disks are full or cannot be written; two daemons want one journal.
//
// What is claimed: each damage is noticed, at the start or at the latest when what is
// damaged is read, and named by a code of docs/FAILURES.md; nothing that was
// acknowledged is lost without a word; and a daemon does not go on upon a store that
// does not hold.
//
// The damaged stores are copies of one that a daemon really left: one job done, one
// spoiled, one held, one that the daemon left in the middle of a step.
//
// It leaves out who can write the files and knows these packages: against such a one
// stand signed receipts, not hashes. The journal alone is judged in its own package.
package stores
