package connect

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestBroken(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":            {nil, false},
		"pool":               {fmt.Errorf("migrate: %w", driver.ErrBadConn), true},
		"end":                {fmt.Errorf("read: %w", io.EOF), true},
		"refused":            {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"answer":             {&clickhouse.Exception{Code: 60}, false},
		"cancelled":          {context.Canceled, false},
		"answer with an end": {fmt.Errorf("%w, %w", io.EOF, &clickhouse.Exception{Code: 60}), false},
	} {
		if got := Broken(tc.err); got != tc.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}
