package vpcd

import (
	"errors"
	"io"
	"net"
	"testing"
)

// ask asks for the ATR as pcscd polls, and says whether the card answered.
func ask(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if _, err := conn.Write(message([]byte{ctrlATR})); err != nil {
		return false
	}
	var header [headerSize]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		if !errors.Is(err, io.EOF) {
			t.Logf("the card hung up: %v", err)
		}
		return false
	}
	body := make([]byte, int(header[0])<<8|int(header[1]))
	_, err := io.ReadFull(conn, body)
	return err == nil
}

// TestAnOverlookedCardIsPutInAgain: a reader that asks for the ATR and never powers
// the card takes it for absent.
func TestAnOverlookedCardIsPutInAgain(t *testing.T) {
	r := newReader(t, "127.0.0.1:0")
	serve(t, r.addr(), &testCard{}, Options{})
	first := r.accept()
	for range asksMax {
		if !ask(t, first) {
			t.Fatal("the card left too early")
		}
	}
	if ask(t, first) {
		t.Fatal("the card stays though it is overlooked")
	}
	second := r.accept()
	send(t, second, ctrlOn)
	for range 3 * asksMax {
		if !ask(t, second) {
			t.Fatal("the card left though it was powered")
		}
	}
}

// TestAReaderThatNeverPowersKeepsItsCard: being put in again does not help there.
func TestAReaderThatNeverPowersKeepsItsCard(t *testing.T) {
	r := newReader(t, "127.0.0.1:0")
	serve(t, r.addr(), &testCard{}, Options{})
	for range overlookedMax {
		conn := r.accept()
		for ask(t, conn) {
			continue
		}
	}
	last := r.accept()
	for range 5 * asksMax {
		if !ask(t, last) {
			t.Fatal("the card left once more")
		}
	}
}
