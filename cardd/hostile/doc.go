// Package hostile holds no program, only the tests that give the daemon what it must
// survive: cards that answer anything, and links that change what a card answered.
//
// What is claimed: whatever a card answers cannot crash, hang, bloat or fool the
// daemon.
//
// There are three kinds of hostile card. A card of noise answers bytes that have
// nothing to do with the question. On a hostile wire a simulated card answers, and
// somebody without its keys changes what it said. A liar has the issuer's keys: what it
// says is wrong although its protection is right. Noise and wire can never make a job
// end as done unless the card holds what the order wants, to the byte. A liar can be
// believed in what only it can know, and in nothing else: one lie is always found out,
// and no number of them puts a wrong content behind a job that is done.
//
// An ordinary run tries each trick and each lie at a few places of an issue and gives
// some thousand malformed replies. The flag -hostile.stride=1 tries them at every
// command, and -hostile.replies=1000000 gives a million.
//
// It leaves out what goes wrong without malice at one command of an issue (lost, torn,
// pulled), of which every case is tried by the fault suite, the process being killed,
// and damaged stores, which have suites of their own.
package hostile
