package connect

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/internal/config"
	"github.com/seatstream/seatstream/schemas"
)

// ClickHouse connects to a server. The error names it and what to do; it never holds a
// password.
func ClickHouse(ctx context.Context, dsn string) (driver.Conn, error) {
	opts, err := clickhouseOptions(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("connect to ClickHouse at %s: %w", config.Redact(dsn), err)
	}
	if err := conn.Ping(ctx); err != nil {
		_ = conn.Close() // it never worked
		return nil, unreachable(dsn, err)
	}
	return conn, nil
}

// WithPassword puts the password in a file into an address that names a user.
func WithPassword(dsn, file string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.User == nil {
		return "", fmt.Errorf("clickhouse.dsn %s: not an address such as clickhouse://user@host:9000", config.Redact(dsn))
	}
	password, err := Password(file)
	if err != nil {
		return "", fmt.Errorf("clickhouse.password_file: %w", err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

// Databases opens the server and the product's database for migrations.
func Databases(dsn string) (server, product *sql.DB, err error) {
	opts, err := clickhouseOptions(dsn)
	if err != nil {
		return nil, nil, err
	}
	inProduct := *opts
	inProduct.Auth.Database = schemas.Database
	return clickhouse.OpenDB(opts), clickhouse.OpenDB(&inProduct), nil
}

// Broken reports whether an error is one of the connection and not the server's answer: what
// was asked may or may not have happened.
func Broken(err error) bool {
	var answer *clickhouse.Exception
	if err == nil || errors.As(err, &answer) {
		return false
	}
	var network net.Error
	return errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &network)
}

func clickhouseOptions(dsn string) (*clickhouse.Options, error) {
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("clickhouse.dsn %s: not an address such as clickhouse://user:password@host:9000", config.Redact(dsn))
	}
	opts.Auth.Database = "default" // the product's database may not exist yet; all names are qualified
	opts.DialTimeout = 5 * time.Second
	opts.ReadTimeout = 2 * time.Minute
	opts.ClientInfo = clickhouse.ClientInfo{Products: []struct{ Name, Version string }{{Name: "seatstream", Version: "1"}}}
	if opts.Compression == nil {
		opts.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	return opts, nil
}

func unreachable(dsn string, err error) error {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) {
		if ex.Code == 516 {
			return fmt.Errorf("connect to ClickHouse at %s: user or password is wrong: check clickhouse.dsn (code 516)", config.Redact(dsn))
		}
		return fmt.Errorf("connect to ClickHouse at %s: code %d: %s", config.Redact(dsn), ex.Code, ex.Name)
	}
	return fmt.Errorf("connect to ClickHouse at %s: %w: check that clickhouse.dsn is right and the server is up, or leave it out to use the embedded engine", config.Redact(dsn), err)
}
