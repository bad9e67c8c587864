// Package inline holds no program, only the tests of a station inside a card printer: the
// whole issue of a card from the hopper to the output, with the real station, journal and
// drivers, before simulated mechanics whose chip station is a simulated reader.
//
// What is claimed: whatever goes wrong in the printer, no card leaves by the output whose
// chip is not finished or whose face is not whole, none is printed twice, a face is on its
// own chip, and where nobody can know what is on a card a person is asked.
//
// It leaves out the wire languages and what each driver knows after a failure, which
// printertest judges over every wire.
package inline
