package scp03

import (
	"crypto/cipher"
	"reflect"
	"unsafe"
)

// wipe overwrites the expanded key inside a cipher that nobody uses any more.
// crypto/aes has no call for it, and the first round key is the key itself: left to the
// garbage collector it stays in memory until its place is used again. Only a cipher
// that is one flat object is wiped, as crypto/aes's is on the processors that matter;
// one with pointers inside is left alone.
func wipe(block cipher.Block) {
	v := reflect.ValueOf(block)
	if v.Kind() != reflect.Pointer || v.IsNil() || !flat(v.Type().Elem()) {
		return
	}
	clear(unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size()))
}

// flat says whether a type holds numbers alone.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
}

// burn overwrites the stack below its caller: what was called before left copies of
// keys there, which would stay when the stack is given back, grown or shrunk.
//
//go:noinline
func burn() {
	var below [16 << 10]byte
	touch(below[:])
}

// touch keeps the compiler from seeing that nobody reads b.
//
//go:noinline
func touch(b []byte) { clear(b) }
