package simulator

import "testing"

// TestTriesSpentAreNeverFilledUp: what the card's own counter forgets, this one keeps.
func TestTriesSpentAreNeverFilledUp(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidJPKI), "9000")
	before := c.TriesSpent()
	want(t, c, verifyAPDU(0x18, "0000"), "63C2")
	want(t, c, verifyAPDU(0x18, authPIN), "9000")
	want(t, c, "0020 0098", "63C3")
	if n := c.TriesSpent() - before; n != 1 {
		t.Errorf("%d wrong values were counted, one was presented", n)
	}
	if n := clone(t, c, Options{}).TriesSpent(); n != 0 {
		t.Errorf("another card has %d", n)
	}
}
