package embedded

import "syscall"

// childAttributes makes the kernel kill the child when the thread that started
// it ends. The child's own watch of its standard input is the gentle way and
// the only one elsewhere; this one also reaches a child that is stopped or
// stuck. Its group of its own keeps the terminal's interrupt for the parent.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
