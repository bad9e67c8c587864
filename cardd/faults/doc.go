// Package faults issues cards while things go wrong and judges what came of each. It
// holds an [Office], which is a station with real journal, real authority and real
// sealing around simulated cards, printer and people; a clerk who does what the
// failures' remedies say and nothing cleverer; and a judge who reads the card's memory
// itself and believes neither the station nor the card's answers.
//
// Every card must end in one of two ways: issued, with exactly the contents its order
// asks for, its certificates, keys and PINs in working order, its face printed once;
// or in quarantine with a reason and without a live certificate. [Tally] counts what
// must be zero: wrong cards, double certificates, PIN tries spent, faces printed twice.
//
// [Single] tries one script of faults on one card. [Day] is a day of a busy office from
// a seed: cards, daemon, authority, printer and people fail as they may, and the same
// seed is the same day again.
//
// It leaves out the real process and the real reader: cardd/kill ends the one with
// SIGKILL behind the other. It is for tests and for the program that measures; nobody
// issues a card with it.
package faults
