//go:build cgo && !windows

package keystore

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/miekg/pkcs11"
)

// module is a loaded PKCS #11 library. A process initialises a library once
// (PKCS #11 v2.40, 5.4), so stores on tokens of one module share it.
type module struct {
	path  string
	ctx   *pkcs11.Ctx
	users int  // guarded by modules
	ours  bool // this package initialised it and ends it

	// begun counts how often it was initialised. Handles of sessions and objects are
	// good for one time only: the next hands out the same numbers for others.
	begun atomic.Uint64
}

var modules = struct {
	sync.Mutex
	open map[string]*module
}{open: map[string]*module{}}

// loadModule gives the library at path, initialised.
func loadModule(path string) (*module, error) {
	modules.Lock()
	defer modules.Unlock()
	if m := modules.open[path]; m != nil {
		m.users++
		return m, nil
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, &Error{Kind: ErrAbsent, Wanted: "load " + path, Detail: "it is no PKCS #11 library that can be loaded"}
	}
	m := &module{path: path, ctx: ctx, users: 1}
	if err := m.initialise(); err != nil {
		ctx.Destroy()
		return nil, err
	}
	modules.open[path] = m
	return m, nil
}

// initialise begins anew; a library that is begun already stays as it is. The caller
// holds modules.
func (m *module) initialise() error {
	err := m.ctx.Initialize()
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		return nil
	}
	if m.ours = err == nil; m.ours {
		m.begun.Add(1)
	}
	return fault("initialise "+m.path, err)
}

// again initialises a library that somebody may have ended meanwhile.
func (m *module) again() error {
	modules.Lock()
	defer modules.Unlock()
	return m.initialise()
}

// release gives the library back; the last user ends it.
func (m *module) release() {
	modules.Lock()
	defer modules.Unlock()
	if m.users--; m.users > 0 {
		return
	}
	delete(modules.open, m.path)
	if m.ours {
		_ = m.ctx.Finalize() // nothing of ours is in it any more
	}
	m.ctx.Destroy()
}
