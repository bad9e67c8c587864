// Package ipptest runs real printing programs beside a test: OpenPrinting's ippeveprinter,
// the model of IPP Everywhere, with the private bus that it does not start without, and
// whatever else a test starts and wants gone when it ends. Linux only. A test that has not
// the program skips, and says which Debian package has it.
package ipptest
