// Package kill holds tests alone: the real cardd killed with SIGKILL while it issues a
// card, started again, and held to what it promises.
//
// cardd is built with the tag crashpoint, which lets it die at a boundary of its
// journal, and works on simulated cards behind a private pcscd with virtual readers, as
// it would on real ones. A case is one blank card with an office of its own: the daemon
// dies, a clerk does what cardctl would tell him to, and then everything that is left
// is judged by other means than the daemon's: the card by its own memory, beside that
// of a card issued undisturbed, the certificates by the authority's register, the face
// by the printer's counter and files, the rest by the receipt and the journal.
//
// It leaves out power failure of the machine, which takes more than a process, see
// package journal, and faults of card and line, which are package simulator/fault's.
package kill
