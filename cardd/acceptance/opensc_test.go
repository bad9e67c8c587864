package acceptance

import "testing"

func TestIssueWorks(t *testing.T) {
	c := issue(t, "adult")
	t.Log(c.env)
	s := insertCopy(t, c)
	w := connect(t, s)
	w.ok("00A4040C0AD392F000260100000001")
	t.Log(output(t, foreign(t, "opensc-tool", "opensc"), "--reader", s.reader, "-n"))
}
