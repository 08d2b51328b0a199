//go:build linux && (amd64 || arm64)

package cell

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// addressSpace is how much memory a child may ask for, in octets. PDFium's WebAssembly reserves 1.5 GB of it without using it.
	addressSpace = 2 << 30
	// processorTime is how long a child may compute in its life, in seconds. It is replaced long before (Config.Uses).
	processorTime = 600
)

// Confine gives up what a child does not need: memory beyond addressSpace, files, connections, programs. It can't be taken back.
func Confine() (c Confinement) {
	time.AfterFunc(time.Hour, func() {}).Stop() // Go's first timer opens what its scheduler waits by: not possible later
	runtime.LockOSThread()                      // what is set for a thread is set for all by the filter
	defer runtime.UnlockOSThread()
	err := setLimits()
	c.Memory = err == nil
	ferr := filterCalls()
	c.Calls = ferr == nil
	c.Network = os.Getenv(envNetless) != ""
	if err = errors.Join(err, ferr); err != nil {
		c.Problem = err.Error()
	}
	return c
}

// setLimits bounds what the process may have.
func setLimits() error {
	for _, l := range []struct {
		what int
		most uint64
	}{
		{unix.RLIMIT_AS, addressSpace}, {unix.RLIMIT_CPU, processorTime}, {unix.RLIMIT_FSIZE, 0}, {unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, 0},
	} {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.most, Max: l.most}); err != nil {
			return fmt.Errorf("rlimit %d: %w", l.what, err)
		}
	}
	return nil
}

// envNetless is set by the parent for a child in a network namespace of its own: after filterCalls it could not ask.
const envNetless = "TEGAMI_CELL_NETLESS"

// isolate has a program start in namespaces of its own: no network, no rights of this user beyond his files. False where that is not set.
func isolate(cmd *exec.Cmd) bool {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}},
	}
	cmd.Env = append(cmd.Env, envNetless+"=1")
	return true
}

// nobody is who a child is in its own namespace.
const nobody = 65534

// Offsets in what a filter is given (struct seccomp_data of seccomp(2)).
const (
	dataCall = 0
	dataArch = 4
	dataArg0 = 16
)

// filterCalls has the kernel refuse system calls that a child has no use for, in all threads. What is refused gives EPERM. A call in the manner of
// another architecture ends the process.
func filterCalls() error {
	program := append(filterHead(), deniedCalls()...)
	program = append(program, filterTail()...)
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jump(how uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | how | unix.BPF_K, Jt: yes, Jf: no, K: value}
}

func ret(what uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
}

const refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

// filterHead leaves the call's number in the register.
func filterHead() []unix.SockFilter {
	return []unix.SockFilter{
		load(dataArch), jump(unix.BPF_JEQ, auditArch, 1, 0), ret(unix.SECCOMP_RET_KILL_PROCESS),
		load(dataCall), jump(unix.BPF_JGE, otherABI, 0, 1), ret(unix.SECCOMP_RET_KILL_PROCESS),
	}
}

// otherABI is where the numbers of calls in the manner of x32 begin.
const otherABI = 0x40000000

// deniedCalls refuses each of denied.
func deniedCalls() (f []unix.SockFilter) {
	for _, nr := range append(denied, deniedHere...) {
		f = append(f, jump(unix.BPF_JEQ, uint32(nr), 0, 1), ret(refuse))
	}
	return f
}

// filterTail lets all else pass, but lets clone make threads only.
func filterTail() []unix.SockFilter {
	return []unix.SockFilter{
		jump(unix.BPF_JEQ, unix.SYS_CLONE, 0, 2), load(dataArg0), jump(unix.BPF_JSET, unix.CLONE_THREAD, 0, 1),
		ret(unix.SECCOMP_RET_ALLOW), ret(refuse),
	}
}

// denied are calls that reach files, the network, other processes, or parts of the kernel that a reader of documents has no use for.
var denied = []uintptr{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_SENDTO, unix.SYS_SENDMSG,
	unix.SYS_SENDMMSG, unix.SYS_RECVMSG, unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_CLONE3, unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT,
	unix.SYS_TRUNCATE, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_CHDIR, unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_PTRACE,
	unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_KILL, unix.SYS_TKILL,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_MEMFD_CREATE, unix.SYS_SHMGET, unix.SYS_MQ_OPEN, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON,
	unix.SYS_PERSONALITY, unix.SYS_QUOTACTL, unix.SYS_ACCT, unix.SYS_SYSLOG,
}
