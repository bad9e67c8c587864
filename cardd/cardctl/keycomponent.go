package main

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/failure"
	"jukicard/pki/keystore"
)

// custodians is how many components make a key: fewer than all say nothing of it.
const custodians = 3

// components has three custodians enter theirs, one after the other, and gives the key:
// the three XORed. What was entered is in memory alone, as little of it as can be: the
// running XOR, and one component while it is being checked.
func (r *keyRoom) components(ctx context.Context, c *ceremony) (key secret.Bytes, err error) {
	sum := make([]byte, c.Bits/8)
	defer clear(sum)
	for n := 1; n <= custodians; n++ {
		name, err := r.custodian(c, n)
		if err != nil {
			return key, err
		}
		kcv, err := r.component(ctx, c, n, sum)
		if err != nil {
			return key, err
		}
		c.Custodians = append(c.Custodians, custodian{Name: name, KCV: kcv.String(), At: r.now().UTC().Truncate(time.Second)})
		if err := saveState(r.statePath(c), c); err != nil {
			return key, err
		}
		r.notef("%s\n", r.in2("Taken. Put the form back into its envelope and call the next person.", "受け付けました。用紙を封筒に戻し、次の人と交代してください。"))
	}
	if !slices.ContainsFunc(sum, func(b byte) bool { return b != 0 }) {
		return key, failure.New(failure.KeysCheck, "the three components take each other out: the key would be zeros", nil)
	}
	return secret.New(sum), nil
}

// custodian asks who is there. Nobody has two components of one key.
func (r *keyRoom) custodian(c *ceremony, n int) (string, error) {
	for range attemptsMax {
		name, err := r.askLine(fmt.Sprintf(r.in2("Custodian %d, name", "管理者%dの氏名"), n))
		if err != nil {
			return "", err
		}
		var before []string
		for _, other := range c.Custodians {
			before = append(before, other.Name)
		}
		if name == "" {
			continue
		}
		return name, differ(fmt.Sprintf("custodian %d", n), name, before...)
	}
	return "", refused(fmt.Errorf("cannot take a component: custodian %d gave no name", n))
}

// component asks for one, compares its check value with the custodian's form, and adds
// it to sum.
func (r *keyRoom) component(ctx context.Context, c *ceremony, n int, sum []byte) (keystore.KCV, error) {
	for range attemptsMax {
		part, err := r.askComponent(ctx, n, len(sum))
		if err != nil {
			return keystore.KCV{}, err
		}
		if part.Len() == 0 {
			continue
		}
		kcv, ok, err := r.judgeComponent(c, n, part)
		if err == nil && ok {
			err = part.Lend(func(b []byte) error { subtle.XORBytes(sum, sum, b); return nil })
		}
		part.Destroy()
		if err != nil || ok {
			return kcv, err
		}
	}
	return keystore.KCV{}, failure.New(failure.KeysCheck, fmt.Sprintf("component %d, %d times", n, attemptsMax), nil)
}

// askComponent reads hexadecimal digits, unseen; empty when they are none, and says so.
func (r *keyRoom) askComponent(ctx context.Context, n, size int) (part secret.Bytes, err error) {
	typed, err := r.ask(ctx, fmt.Sprintf(r.in2("Component %d, %d hexadecimal digits", "成分%d（16進数%d桁）"), n, 2*size))
	if err != nil {
		return part, err
	}
	defer typed.Destroy()
	b := make([]byte, size)
	defer clear(b)
	err = typed.Lend(func(t []byte) error {
		digits := make([]byte, 0, len(t))
		defer func() { clear(digits) }()
		for _, c := range t {
			if c != ' ' {
				digits = append(digits, c)
			}
		}
		if len(digits) != 2*size {
			return errNoComponent
		}
		_, err := hex.Decode(b, digits)
		return err
	})
	if err != nil { // what hex says of it shows a digit
		r.notef(r.in2("These are not %d hexadecimal digits.\n", "16進数%d桁ではありません。\n"), 2*size)
		return part, nil
	}
	return secret.New(b), nil
}

var errNoComponent = fmt.Errorf("cannot read component: it has another length")

// judgeComponent compares the check value with the form, and refuses one that is zero
// or was entered before: it would take itself out of the key.
func (r *keyRoom) judgeComponent(c *ceremony, n int, part secret.Bytes) (kcv keystore.KCV, ok bool, err error) {
	if part.Equal(secret.New(make([]byte, part.Len()))) {
		r.notef("%s\n", r.in2("A component of zeros says nothing: it is not taken.", "すべて0の成分は使えません。"))
		return kcv, false, nil
	}
	if kcv, err = keystore.KCVOf(part); err != nil {
		return kcv, false, err
	}
	for _, other := range c.Custodians {
		if other.KCV == kcv.String() {
			return kcv, false, failure.New(failure.KeysCheck, fmt.Sprintf("component %d is that of %s", n, other.Name), nil)
		}
	}
	text, err := r.askLine(fmt.Sprintf(r.in2("Component %d, check value on the form", "成分%dのチェック値（用紙の値）"), n))
	if err != nil {
		return kcv, false, err
	}
	want, digits, err := keystore.ParseKCV(strings.TrimSpace(text))
	if err != nil || !kcv.Matches(want, digits) {
		r.notef("%s\n", r.in2("The component has another check value than the form says. Enter both again.", "入力された成分のチェック値が用紙と一致しません。成分とチェック値をもう一度入力してください。"))
		return kcv, false, nil
	}
	return kcv, true, nil
}
