package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/durable"
)

// A wrong PIN is presented once. Most modules tell that one was presented since the last
// right one, and keystore heeds that; PKCS #11 (v2.40, 3.2) lets others keep it to
// themselves, and a service that is started again and again would lock those. So a
// refused PIN is remembered by the file it stands in, until that is written anew. What
// the PIN is, is not written down.
const refusedFile = "pin-refused.json"

// presented is a PIN file as it was when its PIN was presented.
type presented struct {
	Module  string    `json:"module"`
	Token   string    `json:"token"`
	File    string    `json:"file"`
	Written time.Time `json:"written"`
	Size    int64     `json:"size"`
}

// judgePIN refuses a PIN file that was not written anew since its PIN was refused.
func judgePIN(c config.GPPKCS11, stateDir string) (presented, error) {
	info, err := os.Stat(c.PINFile)
	if err != nil {
		return presented{}, fmt.Errorf("cannot read the module's PIN: %w", err)
	}
	now := presented{c.Module, c.Token, c.PINFile, info.ModTime().UTC(), info.Size()}
	text, err := os.ReadFile(filepath.Join(stateDir, refusedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	var before presented
	if err == nil {
		err = json.Unmarshal(text, &before)
	}
	if err != nil {
		return now, fmt.Errorf("cannot tell whether the module's PIN was refused before: %w", err)
	}
	if before.same(now) {
		return now, failure.New(failure.KeysUnlock, fmt.Sprintf("the PIN in %s was refused before, and the file was not written since: it is not presented again", c.PINFile), nil)
	}
	return now, nil
}

func (p presented) same(now presented) bool {
	return p.Module == now.Module && p.Token == now.Token && p.File == now.File && p.Size == now.Size && p.Written.Equal(now.Written)
}

// remember keeps that the PIN was refused.
func (p presented) remember(stateDir string) error {
	text, err := json.Marshal(p)
	if err == nil {
		err = os.MkdirAll(stateDir, 0o700)
	}
	if err == nil {
		err = durable.WriteFile(filepath.Join(stateDir, refusedFile), append(text, '\n'), durable.Mode)
	}
	if err != nil {
		return fmt.Errorf("cannot remember that the PIN was refused: %w", err)
	}
	return nil
}
