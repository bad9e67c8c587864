package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

func TestFailureGivesTheSystemsErrorsTheirKind(t *testing.T) {
	rows := []struct {
		name string
		err  error
		want error
	}{
		{"none", nil, nil},
		{"no space", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, ErrFull},
		{"over quota", syscall.EDQUOT, ErrFull},
		{"no permission", &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, ErrReadOnly},
		{"a read-only file system", syscall.EROFS, ErrReadOnly},
		{"the caller's end", fmt.Errorf("x: %w", context.Canceled), context.Canceled},
		{"one of ours", ErrRecords.when("append", "", nil), ErrRecords},
		{"anything else", syscall.EIO, ErrIO},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := failure("append to job 1", row.err); !errors.Is(got, row.want) {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

func TestKindsAreToldApartAndSayWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Code] || !strings.HasPrefix(k.Code, "JOURNAL-") || k.Wrong == "" || k.Remedy == "" {
			t.Errorf("%+v", k)
		}
		seen[k.Code] = true
		if got := k.when("do it", "", nil).Error(); got != "cannot do it: "+k.Wrong+"; "+k.Remedy {
			t.Errorf("got %q", got)
		}
		if errors.Is(k, fs.ErrNotExist) || k != ErrIO && errors.Is(k, ErrIO) {
			t.Errorf("%s is taken for another kind", k.Code)
		}
	}
}
