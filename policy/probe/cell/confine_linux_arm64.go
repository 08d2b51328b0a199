package cell

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// deniedHere are calls like those in denied that this architecture has beside them.
var deniedHere = []uintptr{unix.SYS_RENAMEAT}
