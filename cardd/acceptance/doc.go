// Package acceptance holds tests alone: cards that the real programs issued, read
// and used by software that nobody here wrote, and a search for secrets in all that
// an issue leaves behind.
//
// TestMain builds cardd, cardctl and cardsim and starts a private pcscd with
// virtual readers. Each invented person's card is issued once, by cardctl through
// cardd, and kept as a state file; a test that changes a card works on a copy in a
// reader of its own. What is expected of a card comes from the person's order and
// from the authority, read here by code that shares nothing with the daemon: own
// TLV, own SCP03 (testdata/keymanager.py), Go's crypto library and the openssl
// program.
//
// It leaves out what only hardware can show: contact and radio timing, and printers.
package acceptance
