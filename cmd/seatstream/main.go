// Command seatstream turns Microsoft 365 licence usage into a stream and the stream into
// answers. main minds signals and the exit code; each command has a file.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/seatstream/seatstream/bench"
	"github.com/seatstream/seatstream/embedded"
)

// version is set when the program is built: make build.
var version = "dev"

// Exit codes: 0 ok, 1 failed, 2 wrong usage.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "engine-child" {
		os.Exit(embedded.EngineMain(os.Args[2:])) // this process is the ClickHouse engine
	}
	if len(os.Args) > 2 && os.Args[1] == bench.PartCommand {
		os.Exit(bench.PartMain(os.Args[2])) // this process is a part that is measured
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, stop, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, stop func(), args []string) int {
	// A second signal ends the program at once.
	go func() { <-ctx.Done(); stop() }()
	cmd := newRoot()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "seatstream: %v\n", err)
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return 130
	}
	fmt.Fprintf(os.Stderr, "seatstream: %v\n", err)
	return exitFailed
}
