//go:build !linux

package embedded

import "syscall"

// childAttributes gives the child a process group of its own, which keeps the
// terminal's interrupt for the parent. It ends with its parent by watching its
// standard input.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
