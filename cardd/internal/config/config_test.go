package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// clerk is an ordinary user's place.
var clerk = place{home: "/home/clerk", workDir: "/work", host: "window1"}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cardd.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreWhole(t *testing.T) {
	got, err := load("", nil, clerk)
	if err != nil {
		t.Fatal(err)
	}
	state := "/home/clerk/.local/state/cardd"
	want := &Config{
		StateDir: state, Socket: state + "/cardd.sock",
		Log:       Log{Level: "info", Format: "text"},
		Reader:    Reader{System: "pcsc", CommandSeconds: 120},
		Upstream:  Upstream{TimeoutSeconds: 30, SettleSeconds: 60, Tells: 16, PollSeconds: 60, BackoffSeconds: 300},
		Station:   Station{Name: "window1"},
		GP:        GP{KeyStore: "none", File: GPFile{Path: state + "/keys.sealed"}},
		Authority: Authority{Kind: "softca", Dir: state + "/authority", Organization: "cardd laboratory", Template: true, TimeoutSeconds: 30, PatienceSeconds: 60, CMP: CMP{Request: "ir"}},
		Printer:   Printer{Kind: "simulated", Dir: state + "/faces"},
		Fonts:     Fonts{Paths: []string{"/usr/share/fonts/truetype/ipamj/ipamjm.ttf"}},
		Limits:    Limits{RequestBytes: 4 << 20, Clients: 32, ShutdownSeconds: 30},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Lab {
		t.Error("a laboratory unless told otherwise")
	}
	if got.JournalFile() != state+"/journal.db" {
		t.Errorf("got %s", got.JournalFile())
	}
}

func TestEmptyDefaultsFollowTheUser(t *testing.T) {
	rows := []struct {
		name          string
		at            place
		state, socket string
	}{
		{"root", place{root: true, home: "/root", stateHome: "/x", runtimeDir: "/y"}, "/var/lib/cardd", "/run/cardd/cardd.sock"},
		{"a user with XDG folders", place{home: "/home/a", stateHome: "/s", runtimeDir: "/run/user/7"}, "/s/cardd", "/run/user/7/cardd.sock"},
		{"a user without", place{home: "/home/a"}, "/home/a/.local/state/cardd", "/home/a/.local/state/cardd/cardd.sock"},
		{"relative XDG folders are ignored", place{home: "/home/a", stateHome: "s", runtimeDir: "r"}, "/home/a/.local/state/cardd", "/home/a/.local/state/cardd/cardd.sock"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, err := load("", nil, row.at)
			if err != nil {
				t.Fatal(err)
			}
			if c.StateDir != row.state || c.Socket != row.socket {
				t.Errorf("got %s and %s", c.StateDir, c.Socket)
			}
		})
	}
}

func TestFileIsLaidOverDefaultsAndEnvironmentOverBoth(t *testing.T) {
	path := write(t, `
lab = true
state_dir = "state"
[reader]
name = "ACS ACR39U"
short = true
[station]
name = "市民課 窓口1"
[printer]
[fonts]
paths = ["a.ttf", "/b.ttf"]
[limits]
clients = 5
`)
	environ := []string{"PATH=/bin", "CARDD_READER_NAME=Other = reader", "CARDD_LIMITS_CLIENTS=6", "CARDD_SOCKET=s.sock", "CARDD_CONFIG=/x", "CARDDX=1"}
	got, err := load(path, environ, clerk)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for name, pair := range map[string][2]any{
		"a value of the file":              {got.Lab, true},
		"another section's":                {got.Reader.Short, true},
		"Japanese":                         {got.Station.Name, "市民課 窓口1"},
		"a path from the file's folder":    {got.StateDir, dir + "/state"},
		"what hangs on it":                 {got.Authority.Dir, dir + "/state/authority"},
		"the environment over the file":    {got.Reader.Name, "Other = reader"},
		"a number from the environment":    {got.Limits.Clients, 6},
		"a path from the working folder":   {got.Socket, "/work/s.sock"},
		"a list replaces, it is not added": {fmt.Sprint(got.Fonts.Paths), "[" + dir + "/a.ttf /b.ttf]"},
		"an empty section changes nothing": {got.Printer.Kind, "simulated"},
		"what nobody set":                  {got.Log.Level, "info"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestLoadTakesTheFileItIsGivenOrTheVariables(t *testing.T) {
	t.Setenv(ConfigVariable, write(t, "[station]\nname = \"variable\"\n"))
	for path, want := range map[string]string{"": "variable", write(t, "[station]\nname = \"flag\"\n"): "flag"} {
		if c, err := Load(path); err != nil || c.Station.Name != want {
			t.Errorf("got %+v, %v, want %s", c, err, want)
		}
	}
}

func TestEveryKeyCanBeSetFromTheEnvironment(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load("", []string{
		"CARDD_LAB=true", "CARDD_STATE_DIR=/s", "CARDD_SOCKET=/s.sock", "CARDD_LOG_LEVEL=debug", "CARDD_LOG_FORMAT=json",
		"CARDD_READER_SYSTEM=pcsc", "CARDD_READER_NAME=r", "CARDD_READER_SHORT=true", "CARDD_STATION_NAME=n",
		"CARDD_GP_MASTER_KEY_FILE=" + key, "CARDD_GP_KEY_STORE=none", "CARDD_GP_FILE_PATH=/k", "CARDD_GP_AUTHORITY_KEYS=false",
		"CARDD_GP_FILE_CREDENTIAL=", "CARDD_GP_FILE_PASSPHRASE_FILE=", "CARDD_GP_PKCS11_MODULE=", "CARDD_GP_PKCS11_TOKEN=", "CARDD_GP_PKCS11_PIN_FILE=",
		"CARDD_AUTHORITY_KIND=softca", "CARDD_AUTHORITY_DIR=/a",
		"CARDD_AUTHORITY_URL=", "CARDD_AUTHORITY_ISSUERS_FILE=", "CARDD_AUTHORITY_CA_FILE=", "CARDD_AUTHORITY_CERT_FILE=", "CARDD_AUTHORITY_KEY_FILE=",
		"CARDD_AUTHORITY_TEMPLATE=false", "CARDD_AUTHORITY_REPEATS=true", "CARDD_AUTHORITY_TIMEOUT_SECONDS=4", "CARDD_AUTHORITY_PATIENCE_SECONDS=5",
		"CARDD_AUTHORITY_EST_SIGNATURE_LABEL=", "CARDD_AUTHORITY_EST_AUTHENTICATION_LABEL=", "CARDD_AUTHORITY_CMP_REQUEST=p10cr", "CARDD_AUTHORITY_CMP_MAC=",
		"CARDD_AUTHORITY_CMP_REFERENCE=", "CARDD_AUTHORITY_CMP_SECRET_FILE=", "CARDD_AUTHORITY_CMP_SERVER=",
		"CARDD_AUTHORITY_ORGANIZATION=o", "CARDD_PRINTER_KIND=none", "CARDD_PRINTER_DIR=/p", "CARDD_FONTS_PATHS=/f:/g",
		"CARDD_LIMITS_REQUEST_BYTES=70000", "CARDD_LIMITS_CLIENTS=1", "CARDD_LIMITS_SHUTDOWN_SECONDS=3", "CARDD_READER_COMMAND_SECONDS=5",
		"CARDD_UPSTREAM_MANAGEMENT=https://m", "CARDD_UPSTREAM_JPKI=unix:///j", "CARDD_UPSTREAM_CA_FILE=" + key, "CARDD_UPSTREAM_CERT_FILE=" + key,
		"CARDD_UPSTREAM_KEY_FILE=" + key, "CARDD_UPSTREAM_TIMEOUT_SECONDS=1", "CARDD_UPSTREAM_SETTLE_SECONDS=0", "CARDD_UPSTREAM_TELLS=1",
		"CARDD_UPSTREAM_POLL_SECONDS=2", "CARDD_UPSTREAM_BACKOFF_SECONDS=3",
	}, clerk)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Lab: true, StateDir: "/s", Socket: "/s.sock", Log: Log{"debug", "json"}, Reader: Reader{"pcsc", "r", true, 5}, Station: Station{"n"},
		GP: GP{MasterKeyFile: key, KeyStore: "none", File: GPFile{Path: "/k"}}, Authority: Authority{Kind: "softca", Dir: "/a", Organization: "o", Repeats: true, TimeoutSeconds: 4, PatienceSeconds: 5, CMP: CMP{Request: "p10cr"}}, Printer: Printer{"none", "/p"}, Fonts: Fonts{[]string{"/f", "/g"}},
		Limits: Limits{70000, 1, 3}, Upstream: Upstream{"https://m", "unix:///j", key, key, key, 1, 0, 1, 2, 3},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	long := "/" + strings.Repeat("x", 107)
	rows := []struct {
		name    string
		text    string   // the file
		environ []string // the environment
		code    string
		says    []string
	}{
		{"a misspelt key", "[reader]\nnmae = \"x\"\n", nil, CodeUnknownKey, []string{"cannot take reader.nmae from", "did you mean reader.name"}},
		{"a key in the wrong section", "[log]\nname = \"x\"\n", nil, CodeUnknownKey, []string{"log.name", "did you mean"}},
		{"a key that resembles none", "[zzzzzz]\nqqqqqqqqqqqqq = 1\n", nil, CodeUnknownKey, []string{"zzzzzz.qqqqqqqqqqqqq", "lists all keys"}},
		{"an empty section that is none", "[raeder]\n", nil, CodeUnknownKey, []string{"raeder"}},
		{"a value in a section's place", "reader = \"ACS\"\n", nil, CodeUnknownKey, []string{"cannot take reader from"}},
		{"a section in a value's place", "[lab]\nx = 1\n", nil, CodeUnknownKey, []string{"lab.x"}},
		{"text for a truth value", "lab = \"true\"\n", nil, CodeType, []string{"lab", "write true or false"}},
		{"a number for a truth value", "lab = 1\n", nil, CodeType, []string{"lab", "write true or false"}},
		{"a number for text", "state_dir = 7\n", nil, CodeType, []string{"state_dir", "text in quotes"}},
		{"a broken number for a whole one", "[limits]\nclients = 1.5\n", nil, CodeType, []string{"limits.clients", "a whole number"}},
		{"text for a list", "[fonts]\npaths = \"/x\"\n", nil, CodeType, []string{"fonts.paths", "a list of texts"}},
		{"a list of something else", "[fonts]\npaths = [1]\n", nil, CodeType, []string{"fonts.paths", "a list of texts"}},
		{"no TOML", "lab = true\nlab true\n", nil, CodeSyntax, []string{"line 2", "not TOML"}},
		{"a key twice", "lab = true\nlab = false\n", nil, CodeSyntax, []string{"lab"}},
		{"a level that is none", "[log]\nlevel = \"loud\"\n", nil, CodeValue, []string{"log.level", "debug or info or warn or error"}},
		{"a format that is none", "[log]\nformat = \"xml\"\n", nil, CodeValue, []string{"log.format", "text or json"}},
		{"a reader system that is none", "[reader]\nsystem = \"simulator\"\n", nil, CodeValue, []string{"reader.system", "pcsc"}},
		{"an authority that is none", "[authority]\nkind = \"scep\"\n", nil, CodeValue, []string{"authority.kind", "softca or est or cmp"}},
		{"a printer that is none", "[printer]\nkind = \"laser\"\n", nil, CodeValue, []string{"printer.kind", "simulated or none"}},
		{"a request limit too small for a photograph", "[limits]\nrequest_bytes = 1000\n", nil, CodeValue, []string{"limits.request_bytes", "65536"}},
		{"no time at all", "[limits]\nshutdown_seconds = 0\n", nil, CodeValue, []string{"limits.shutdown_seconds"}},
		{"a command without time", "[reader]\ncommand_seconds = 0\n", nil, CodeValue, []string{"reader.command_seconds", "1 to 3600"}},
		{"no wait for an answer", "[upstream]\ntimeout_seconds = 0\n", nil, CodeValue, []string{"upstream.timeout_seconds", "1 to 600"}},
		{"a notice never told", "[upstream]\ntells = 0\n", nil, CodeValue, []string{"upstream.tells", "1 to 100"}},
		{"time that runs back", "[upstream]\nsettle_seconds = -1\n", nil, CodeValue, []string{"upstream.settle_seconds", "0 to 86400"}},
		{"an address of no known way", "[upstream]\nmanagement = \"ftp://h\"\n", nil, CodeValue, []string{"upstream.management", "none of a way"}},
		{"an address that is none", "[upstream]\njpki = \"https://h:a b\"\n", nil, CodeValue, []string{"upstream.jpki", "no URL", "https://host/path"}},
		{"numbers in the clear", "[upstream]\nmanagement = \"http://office.example\"\n", nil, CodeValue, []string{"upstream.management", "in the clear"}},
		{"an address with a user", "[upstream]\nmanagement = \"https://u:p@h\"\n", nil, CodeValue, []string{"upstream.management", "a user"}},
		{"a certificate nobody asks for", "[upstream]\nca_file = \"/etc/hosts\"\n", nil, CodeValue, []string{"upstream.ca_file", "by https"}},
		{"an authority that is not there", "[upstream]\nmanagement = \"https://h\"\nca_file = \"/nowhere\"\n", nil, CodeValue, []string{"upstream.ca_file", "/nowhere"}},
		{"a certificate without its key", "[upstream]\nmanagement = \"https://h\"\ncert_file = \"/etc/hosts\"\n", nil, CodeValue, []string{"upstream.cert_file", "go together"}},
		{"a key that others can read", "[upstream]\nmanagement = \"https://h\"\ncert_file = \"/etc/hosts\"\nkey_file = \"/etc/hosts\"\n", nil, CodeKeyFile, []string{"upstream.key_file", "others can read"}},
		{"a socket too long for the system", "socket = \"" + long + "\"\n", nil, CodeValue, []string{"socket", "108 bytes", "107"}},
		{"no font", "[fonts]\npaths = []\n", nil, CodeValue, []string{"fonts.paths", "at least one"}},
		{"a key file that is not there", "[gp]\nmaster_key_file = \"/nowhere/key\"\n", nil, CodeKeyFile, []string{"/nowhere/key", "put the key there"}},
		{"a key file that is a folder", "[gp]\nmaster_key_file = \".\"\n", nil, CodeKeyFile, []string{"is not a file"}},
		{"a misspelt variable", "", []string{"CARDD_REDAER_NAME=x"}, CodeUnknownKey, []string{"CARDD_REDAER_NAME from the environment", "did you mean CARDD_READER_NAME"}},
		{"a variable of another type", "", []string{"CARDD_LAB=perhaps"}, CodeType, []string{"CARDD_LAB", "write true or false"}},
		{"a variable that is no number", "", []string{"CARDD_LIMITS_CLIENTS=many"}, CodeType, []string{"CARDD_LIMITS_CLIENTS", "a whole number"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := load(write(t, row.text), row.environ, clerk)
			var e *Error
			if !errors.As(err, &e) || e.Code != row.code {
				t.Fatalf("got %v, want %s", err, row.code)
			}
			for _, s := range row.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestLoadTellsAllThatIsWrong(t *testing.T) {
	_, err := load(write(t, "labb = true\n[log]\nlevell = 1\n"), nil, clerk)
	if err == nil || !strings.Contains(err.Error(), "labb") || !strings.Contains(err.Error(), "log.levell") {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefusesFilesItCannotRead(t *testing.T) {
	for name, path := range map[string]string{
		"an absent file": "/nowhere/cardd.toml", "a folder": t.TempDir(),
		"a huge file": write(t, strings.Repeat("# nothing to see here\n", fileMax/10)),
	} {
		_, err := load(path, nil, clerk)
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeFile || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestKeyFileMustBeTheDaemonsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false} {
		if err := errors.Join(os.WriteFile(path, []byte("00"), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		_, err := load("", []string{"CARDD_GP_MASTER_KEY_FILE=" + path}, clerk)
		if (err == nil) != good {
			t.Errorf("mode %04o: got %v", mode, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// An operator may put a secret where it does not belong; the refusal goes to a
// log and must not carry it there.
func TestErrorsHoldNoValues(t *testing.T) {
	const canary = "404142434445464748494A4B4C4D4E4F"
	for name, text := range map[string]string{
		"an unknown key's":   "[gp]\nmaster_key = \"" + canary + "\"\n",
		"a wrong type's":     "lab = \"" + canary + "\"\n",
		"one that is none's": "[log]\nlevel = \"" + canary + "\"\n",
		"bad syntax's":       "lab = " + canary + " " + canary + "\n",
	} {
		_, err := load(write(t, text), nil, clerk)
		if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(fmt.Sprintf("%+v", err), canary) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDefaultsExplainEveryKey(t *testing.T) {
	// Each key stands under a comment or has one behind it.
	explained := false
	for line := range strings.Lines(Defaults()) {
		line = strings.TrimSpace(line)
		isKey := strings.Contains(line, "=") && !strings.HasPrefix(line, "#")
		if isKey && !explained && !strings.Contains(line, "#") {
			t.Errorf("nothing explains %s", line)
		}
		explained = strings.HasPrefix(line, "#")
	}
	// And the text is itself a configuration.
	if _, err := load(write(t, Defaults()), nil, clerk); err != nil {
		t.Error(err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(Defaults())
	f.Add("lab = true\n[reader]\nname = 'x'\n")
	f.Add("[[reader]]\n")
	f.Add("\"a.b\" = {c = [1, {d = 2}]}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "cardd.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := load(path, nil, clerk)
		if (c == nil || !filepath.IsAbs(c.StateDir) || !filepath.IsAbs(c.Socket)) && err == nil {
			t.Errorf("took %q and gave %+v", text, c)
		}
	})
}
