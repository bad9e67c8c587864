package scp03

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/secret"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openSCP is testdata/openscp.json: whole sessions at level 33, values from the test
// data of Samsung/OpenSCP-Java (Apache-2.0).
type openSCP struct {
	Source         string            `json:"source"`
	SecurityLevel  string            `json:"security_level"`
	PlainCommands  map[string]string `json:"plain_commands"`
	PlainResponses map[string]string `json:"plain_responses"`
	Vectors        []openSCPVector   `json:"vectors"`
}

type openSCPVector struct {
	AES           int
	Mode          string
	Enc, Mac, Dek string
	HostChallenge string `json:"host_challenge"`
	KeyVersion    string `json:"key_version"`
	Exchanges     []struct{ Name, Command, Response string }
}

// session is one recorded session in the form both replays use.
type session struct {
	name      string
	keys      StaticKeys
	level     Level
	mode      Mode
	exchanges []exchange
}

type exchange struct {
	name                        string
	plainCommand, plainResponse []byte // response without status word
	command, response           []byte // as on the wire
	responseUnknown             bool   // the source has no response for it
}

func loadOpenSCP(t testing.TB) []session {
	t.Helper()
	text, err := os.ReadFile("testdata/openscp.json")
	if err != nil {
		t.Fatal(err)
	}
	var file openSCP
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var all []session
	for _, v := range file.Vectors {
		s := session{
			name:  fmt.Sprintf("openscp/aes%d-%s", v.AES, v.Mode),
			keys:  StaticKeys{Enc: secret.New(unhex(t, v.Enc)), Mac: secret.New(unhex(t, v.Mac)), Dek: secret.New(unhex(t, v.Dek))},
			level: LevelFull, mode: S8,
		}
		if v.Mode == "S16" {
			s.mode = S16
		}
		for _, e := range v.Exchanges {
			x := exchange{name: e.Name, command: unhex(t, e.Command), response: unhex(t, e.Response)}
			x.plainCommand = unhex(t, file.PlainCommands[e.Name])
			x.plainResponse = unhex(t, file.PlainResponses[e.Name+"_rsp_plain_data"])
			s.exchanges = append(s.exchanges, x)
		}
		all = append(all, s)
	}
	if len(all) != 6 {
		t.Fatalf("%d sessions in the file, 6 are known", len(all))
	}
	return all
}

// wire plays the card of a recorded session and compares every command.
type wire struct {
	t    testing.TB
	left []exchange
}

func (w *wire) Transmit(_ context.Context, command []byte) ([]byte, error) {
	if len(w.left) == 0 {
		w.t.Fatalf("one command too many: %X", command)
	}
	x := w.left[0]
	w.left = w.left[1:]
	if !bytes.Equal(command, x.command) {
		w.t.Fatalf("%s:\n got %X\nwant %X", x.name, command, x.command)
	}
	return x.response, nil
}

func TestHostReplaysRecordedSessions(t *testing.T) {
	for _, v := range recorded(t) {
		t.Run(v.name, func(t *testing.T) { replayHost(t, v) })
	}
}

func replayHost(t *testing.T, v session) {
	w := &wire{t: t, left: v.exchanges}
	initialize := v.exchanges[0].command
	s, err := Open(t.Context(), w, Config{
		Find: Fixed(v.keys), KeyVersion: initialize[2], Mode: v.mode, Level: v.level,
		HostChallenge: initialize[5 : 5+int(v.mode)],
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range v.exchanges[2:] {
		if x.responseUnknown {
			x.response = s.bareAnswer()
			w.left[0].response = x.response
		}
		answer, err := s.Transmit(t.Context(), x.plainCommand)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		if want := append(x.plainResponse[:len(x.plainResponse):len(x.plainResponse)], 0x90, 0); !x.responseUnknown && !bytes.Equal(answer, want) {
			t.Errorf("%s:\n got %X\nwant %X", x.name, answer, want)
		}
	}
	if len(w.left) != 0 {
		t.Errorf("%d exchanges left over", len(w.left))
	}
}

// bareAnswer is one that a session takes without any MAC: an error status word.
func (s *Session) bareAnswer() []byte { return []byte{0x6A, 0x88} }

func TestCardReplaysRecordedSessions(t *testing.T) {
	for _, v := range recorded(t) {
		t.Run(v.name, func(t *testing.T) { replayCard(t, v) })
	}
}

func replayCard(t *testing.T, v session) {
	var card CardSession
	openCard(t, &card, v)
	for _, x := range v.exchanges[2:] {
		plain, sw := card.Unwrap(parseCommand(t, x.command))
		if sw != apdu.SWOK {
			t.Fatalf("%s: %v", x.name, sw)
		}
		if got, _ := plain.Bytes(); !bytes.Equal(got, x.plainCommand) {
			t.Errorf("%s: plain command\n got %X\nwant %X", x.name, got, x.plainCommand)
		}
		if x.responseUnknown {
			continue
		}
		if overpadded(&card, x) {
			continue
		}
		if got := card.Wrap(nil, apdu.Response{Data: x.plainResponse, SW: apdu.SWOK}); !bytes.Equal(got, x.response) {
			t.Errorf("%s: protected response\n got %X\nwant %X", x.name, got, x.response)
		}
	}
}

// overpadded says whether x is the one answer of the recorded card that has a block of
// zeros more than the padding needs, and that is otherwise ours: same blocks, same MAC.
func overpadded(card *CardSession, x exchange) bool {
	data := x.response[:len(x.response)-2-int(card.ch().mode)]
	if x.name != "list_issuer_domain" || len(data) != padded(len(x.plainResponse))+blockSize {
		return false
	}
	again := pad(bytes.Clone(x.plainResponse), 0)
	again = append(again, make([]byte, blockSize)...)
	encryptCBC(card.ch().enc, card.ch().icv(true), again)
	again = append(again, card.ch().responseMAC(data, apdu.SWOK)...)
	return bytes.Equal(append(again, 0x90, 0), x.response)
}

// openCard carries card through the first two exchanges of v.
func openCard(t testing.TB, card *CardSession, v session) {
	t.Helper()
	answer := v.exchanges[0].response
	n := int(v.mode)
	p := CardParams{Keys: v.keys, Challenge: answer[13 : 13+n]}
	a, err := parseInitializeUpdate(answer[:len(answer)-2], Config{Mode: v.mode, Level: v.level})
	if err != nil {
		t.Fatal(err)
	}
	p.Info = a.Info
	r, err := card.InitializeUpdate(t.Context(), p, parseCommand(t, v.exchanges[0].command))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Append(nil); !bytes.Equal(got, answer) {
		t.Fatalf("INITIALIZE UPDATE:\n got %X\nwant %X", got, answer)
	}
	if sw := card.ExternalAuthenticate(parseCommand(t, v.exchanges[1].command)); sw != apdu.SWOK {
		t.Fatalf("EXTERNAL AUTHENTICATE: %v", sw)
	}
}

func parseCommand(t testing.TB, b []byte) apdu.Command {
	t.Helper()
	c, err := apdu.ParseCommand(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func recorded(t testing.TB) []session {
	return append(loadOpenSCP(t), loadPySim(t)...)
}

// loadPySim reads testdata/pysim.txt.
func loadPySim(t testing.TB) []session {
	t.Helper()
	text, err := os.ReadFile("testdata/pysim.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []session
	for _, block := range strings.Split(string(text), "\n\n") {
		if strings.HasPrefix(block, "#") {
			continue
		}
		all = append(all, parsePySim(t, block))
	}
	if len(all) != 9 {
		t.Fatalf("%d sessions in the file, 9 are known", len(all))
	}
	return all
}

func parsePySim(t testing.TB, block string) session {
	t.Helper()
	s := session{mode: S8}
	for line := range strings.Lines(block) {
		f := strings.Fields(line)
		switch f[0] {
		case "session":
			s.name = "pysim/aes" + f[1] + "-" + f[2]
			s.level = Level(unhex(t, f[2])[0])
		case "keys":
			s.keys = StaticKeys{Enc: secret.New(unhex(t, f[1])), Mac: secret.New(unhex(t, f[2])), Dek: secret.New(unhex(t, f[3]))}
		default:
			x := exchange{name: f[0], command: unhex(t, f[2]), responseUnknown: len(f) < 5}
			if f[1] != "-" {
				x.plainCommand = unhex(t, f[1])
			}
			if !x.responseUnknown {
				x.response = unhex(t, f[3])
				x.plainResponse = unhex(t, strings.Trim(f[4], "-"))
			}
			s.exchanges = append(s.exchanges, x)
		}
	}
	return s
}

// The eUICC of the pySim sessions derives its challenges from its counter and the AID of
// its ISD-R (GSMA SGP.02, Annex H); the card of openscp.json, whose challenge is the same
// under different keys, does not.
func TestPseudoRandomChallengeIsTheEUICCs(t *testing.T) {
	aid := unhex(t, "A0000005591010FFFFFFFF8900000100")
	for _, v := range loadPySim(t) {
		t.Run(v.name, func(t *testing.T) {
			answer := v.exchanges[0].response
			var card CardSession
			a, err := parseInitializeUpdate(answer[:len(answer)-2], Config{Mode: v.mode, Level: v.level})
			if err != nil {
				t.Fatal(err)
			}
			r, err := card.InitializeUpdate(t.Context(), CardParams{Info: a.Info, Keys: v.keys, AID: aid}, parseCommand(t, v.exchanges[0].command))
			if err != nil || !bytes.Equal(r.Append(nil), answer) {
				t.Errorf("answer %X %v, want %X", r.Data, err, answer)
			}
		})
	}
}
