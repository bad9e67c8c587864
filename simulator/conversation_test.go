package simulator

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"jukicard/apdu/scp03"
)

// -update rewrites the answers in testdata/*.txt that do not match. Only commit what
// you understand.
var update = flag.Bool("update", false, "rewrite the answers in testdata/*.txt that do not match")

// names that conversations use in braces.
var names = map[string]string{
	"jpki": aidJPKI, "surface": aidSurface, "text": aidText, "resident": aidResident, "common": aidCommon, "isd": aidDomain,
	"auth-pin": hex.EncodeToString([]byte(authPIN)), "sign-pin": hex.EncodeToString([]byte(signPIN)),
	"text-pin": hex.EncodeToString([]byte(textPIN)), "juki-pin": hex.EncodeToString([]byte(jukiPIN)),
	"number-a": hex.EncodeToString([]byte(numberA)), "number-b": hex.EncodeToString([]byte(numberB)),
	"birth-pin": hex.EncodeToString([]byte(birthPIN)),
	"digest":    strings.Repeat("AB", 32),
}

func expand(t testing.TB, s string) string {
	t.Helper()
	for {
		a := strings.IndexByte(s, '{')
		b := strings.IndexByte(s, '}')
		if a < 0 {
			return s
		}
		value, ok := names[s[a+1:max(a+1, b)]]
		if !ok {
			t.Fatalf("%q: unknown name", s)
		}
		s = s[:a] + value + s[b+1:]
	}
}

// talk is one conversation with one card.
type talk struct {
	t       testing.TB
	card    *Card
	channel *scp03.Session
	last    []byte
	command string
}

// TestConversations plays testdata/*.txt:
//
//	== a name             a new conversation
//	! issued standard     a card: issued as that product, or "! blank"
//	! reset, ! power off  the card's; "! reload" takes it up from its state file
//	! channel 33          opens SCP03 at that level on what is selected
//	> 00B0000010          a command, spaces and {names} allowed
//	s> 00D6...            the same through the channel
//	< [256] 9000          the answer: hex, ?? any byte, [n] any n bytes, * anything
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { playFile(t, path) })
	}
}

func playFile(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for part := range strings.SplitAfterSeq(string(data), "\n\n") {
		name := "preamble"
		if rest, ok := strings.CutPrefix(part, "== "); ok {
			name, _, _ = strings.Cut(rest, "\n")
		}
		t.Run(name, func(t *testing.T) {
			k := &talk{t: t}
			for line := range strings.SplitAfterSeq(part, "\n") {
				out.WriteString(k.play(line))
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play does what a line says and gives the line back, an answer as it should be.
func (k *talk) play(line string) string {
	text := strings.TrimRight(line, "\n")
	switch {
	case text == "", strings.HasPrefix(text, "#"), strings.HasPrefix(text, "== "):
	case strings.HasPrefix(text, "! "):
		k.act(strings.Fields(text[2:]))
	case strings.HasPrefix(text, "> "):
		k.command = text
		k.last = bytes.Clone(k.card.Process(mustHex(expand(k.t, text[2:]))))
	case strings.HasPrefix(text, "s> "):
		k.command = text
		answer, err := k.channel.Transmit(context.Background(), mustHex(expand(k.t, text[3:])))
		if err != nil {
			k.t.Fatalf("%s: %v", text, err)
		}
		k.last = bytes.Clone(answer)
	case strings.HasPrefix(text, "< "):
		return k.compare(line, expand(k.t, text[2:]))
	default:
		k.t.Fatalf("cannot understand line %q", text)
	}
	return line
}

func (k *talk) act(words []string) {
	switch strings.Join(words[:1], "") {
	case "issued":
		k.card = newIssued(k.t, words[1])
	case "blank":
		k.card = blank(k.t)
	case "reset":
		k.card.Reset()
	case "power":
		k.card.PowerOff()
	case "reload":
		k.card = replay(k.t, k.card.snapshot())
	case "channel":
		level, err := strconv.ParseUint(words[1], 16, 8)
		if err != nil {
			k.t.Fatal(err)
		}
		k.channel = openChannel(k.t, k.card, scp03.Level(level))
	default:
		k.t.Fatalf("cannot do %q", words)
	}
}

func (k *talk) compare(line, pattern string) string {
	if matches(pattern, k.last) {
		return line
	}
	got := fmt.Sprintf("%X", k.last)
	if *update {
		return "< " + got + "\n"
	}
	k.t.Errorf("%s\n got %s\nwant %s", k.command, got, pattern)
	return line
}

// matches compares an answer with a pattern.
func matches(pattern string, answer []byte) bool {
	pattern = strings.ReplaceAll(pattern, " ", "")
	for pattern != "" {
		if pattern == "*" {
			return true
		}
		if rest, ok := strings.CutPrefix(pattern, "["); ok {
			count, after, _ := strings.Cut(rest, "]")
			n, err := strconv.Atoi(count)
			if err != nil || n > len(answer) {
				return false
			}
			answer, pattern = answer[n:], after
			continue
		}
		if len(pattern) < 2 || len(answer) == 0 {
			return false
		}
		if pattern[:2] != "??" && !strings.EqualFold(pattern[:2], fmt.Sprintf("%02X", answer[0])) {
			return false
		}
		answer, pattern = answer[1:], pattern[2:]
	}
	return len(answer) == 0
}
