//go:build !noembedded

package embedded

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// result mirrors the head of the library's local_result_v2. The error message
// is what is read of it.
type result struct {
	_       *byte          // buffer
	_       uintptr        // its length
	_       unsafe.Pointer // its vector
	_       float64        // seconds elapsed
	_       uint64         // rows read
	_       uint64         // bytes read
	message *byte
}

// runLibrary loads the engine and runs it with a command line; it returns when
// the query of the command line has ended.
func runLibrary(path string, args []string) error {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load engine: %w", err)
	}
	symbol, err := purego.Dlsym(handle, "query_stable_v2")
	if err != nil {
		return fmt.Errorf("find engine entry: %w", err)
	}
	disableSignalHandlers(handle)
	var query func(count int32, args unsafe.Pointer) *result
	purego.RegisterFunc(&query, symbol)

	argv, pinner := cStrings(args)
	defer pinner.Unpin()
	res := query(int32(len(args)), unsafe.Pointer(&argv[0]))
	if res != nil && res.message != nil {
		return errors.New(goString(res.message))
	}
	return nil
}

// disableSignalHandlers keeps the engine from handling its own crashes: it takes
// four seconds to write down its stack, during which it refuses every query.
// Without, it is gone at once and running again in a fifth of a second. Older
// releases of the library do not have the switch.
func disableSignalHandlers(handle uintptr) {
	symbol, err := purego.Dlsym(handle, "chdb_set_signal_handlers_enabled")
	if err != nil {
		return
	}
	var enable func(on int32)
	purego.RegisterFunc(&enable, symbol)
	enable(0)
}

// cStrings builds an argv, which the engine keeps for as long as it runs.
func cStrings(args []string) ([]*byte, *runtime.Pinner) {
	pinner := new(runtime.Pinner)
	argv := make([]*byte, len(args)+1)
	for i, arg := range args {
		text := append([]byte(arg), 0)
		pinner.Pin(&text[0])
		argv[i] = &text[0]
	}
	pinner.Pin(&argv[0])
	return argv, pinner
}

func goString(text *byte) string {
	length := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(text), length)) != 0 {
		length++
	}
	return string(unsafe.Slice(text, length))
}
