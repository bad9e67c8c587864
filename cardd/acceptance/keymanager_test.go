package acceptance

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// labKey is the key that key managers try first.
const labKey = "404142434445464748494A4B4C4D4E4F"

// keymanager runs the independent SCP03 host on a card and gives its lines.
func keymanager(t *testing.T, s *seat, key string, actions ...string) (lines []string, ok bool) {
	t.Helper()
	py := python(t, map[string]string{"smartcard": "python3-pyscard", "cryptography": "python3-cryptography"})
	cmd := exec.CommandContext(t.Context(), py, append([]string{"testdata/keymanager.py", s.reader, key}, actions...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Log(said.String())
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n"), err == nil
}

// unlike hides what differs from card to card: numbers and challenges.
var unlike = regexp.MustCompile(`(?m)^(data:(?:0045|9F7F|0042|00F7|00F8|7F21) +9000 )\S+`)

// TestKeyManagerListsTheCard asks in GlobalPlatformPro's order, at every level.
func TestKeyManagerListsTheCard(t *testing.T) {
	s := insertCopy(t, issue(t, "adult"))
	var all []string
	for _, level := range []string{"01", "03", "11", "13", "33"} {
		lines, ok := keymanager(t, s, labKey, "discover", "select", "data:9F7F", "data:0042", "data:0045", "data:00CF", "data:00C1", "data:0066", "data:0067", "data:00E0",
			"open:0:"+level, "status:80", "status:40", "status:20", "status:10", "data:00E0", "forged")
		if !ok {
			t.Errorf("level %s failed", level)
		}
		all = append(append(all, "== level "+level), lines...)
	}
	golden(t, "keymanager-list.txt", unlike.ReplaceAllString(strings.Join(all, "\n")+"\n", "${1}…"))
}

// TestKeyManagerReplacesKeys adds, replaces and deletes key sets, and each time
// comes back with the new key.
func TestKeyManagerReplacesKeys(t *testing.T) {
	const other, long = "00112233445566778899AABBCCDDEEFF", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	s := insertCopy(t, issue(t, "adult"))
	lines, ok := keymanager(t, s, labKey, "select", "open:0:33", "putkey:01:01:"+other, "data:00E0", // replace the set
		"select", "open:1:33", "use:"+other, "open:1:33", // the old key, then the new one
		"putkey:00:41:"+long, "data:00E0", "use:"+long, "open:41:33", "status:80", // a further set, AES-256
		"putkey:41:41:"+long+":none", "deletekey:01:none", "use:"+other, "open:1:33", "use:"+long, "open:41:01", "data:00E0")
	if !ok {
		t.Error("the key manager gave up")
	}
	golden(t, "keymanager-keys.txt", strings.Join(lines, "\n")+"\n")
	again := insert(t, borrow(t), load(t, s.state), s.state)
	if lines, _ := keymanager(t, again, long, "select", "open:41:33"); !strings.HasSuffix(lines[len(lines)-1], "card genuine, EXTERNAL AUTHENTICATE 9000") {
		t.Errorf("after a night in a drawer: %v", lines)
	}
}

// TestKeyManagerWithTheWrongKey is told so and can try again; nothing can be written
// without a channel, and selection ends one.
func TestKeyManagerWithTheWrongKey(t *testing.T) {
	s := insertCopy(t, issue(t, "adult"))
	lines, ok := keymanager(t, s, "000102030405060708090A0B0C0D0E0F", "select", "open:0:33", "status:80", "open:7F:33",
		"use:"+labKey, "open:0:33", "plain:80F28002024F0000", "open:0:01", "plain:00A4040C0AD392F000260100000001", "status:80")
	if !ok {
		t.Error("the key manager gave up")
	}
	golden(t, "keymanager-wrong.txt", strings.Join(lines, "\n")+"\n")
}
