// Package platform runs the real program for tests: it builds bin/tegami once a
// test binary, starts `tegami demo` on free loopback ports or `tegami serve` with a boot file, and ends it by its
// process id.
package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"tegami/lab/ports"
)

// Ready is how long a started platform may take until demo.json stands there.
const Ready = 60 * time.Second

// Platform is a running `tegami demo`.
type Platform struct {
	process
	Dir  string // its data folder
	Demo Demo

	releasePorts func() // what nobody calls for a shared platform: the ports are its process's until that ends
}

// Demo is what demo.json says.
type Demo struct {
	SMTP     string `json:"smtp"`
	SMTPS    string `json:"smtps"`
	IMAP     string `json:"imap"`
	IMAPS    string `json:"imaps"`
	POP3     string `json:"pop3"`
	POP3S    string `json:"pop3s"`
	HTTPS    string `json:"https"`
	SMTPVPN  string `json:"smtpVPN"`
	Sieve    string `json:"sieve"`
	CA       string `json:"ca"`
	Operator struct {
		Address  string `json:"address"`
		Password string `json:"password"`
	} `json:"operator"`
	Accounts []struct {
		Address  string   `json:"address"`
		Password string   `json:"password"`
		Roles    []string `json:"roles"`
	} `json:"accounts"`
}

// Password is what every account of a started platform signs in with.
const Password = "lab-password-1"

var (
	buildOnce sync.Once
	builtPath string
	buildErr  error
)

// Binary builds the program, once, and gives its path. With TEGAMI_BIN set, that one is used.
func Binary(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		if builtPath = os.Getenv("TEGAMI_BIN"); builtPath != "" {
			return
		}
		dir, err := os.MkdirTemp("", "tegami-lab")
		if err != nil {
			buildErr = err
			return
		}
		builtPath = filepath.Join(dir, "tegami")
		cmd := exec.Command("go", "build", "-o", builtPath, "./cmd/tegami")
		cmd.Dir = Root()
		if out, err := cmd.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return builtPath
}

// Root is the top folder of the source tree.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Start runs `tegami demo` in an empty folder and waits until every door answers. It ends with the test.
func Start(t testing.TB, accounts int) *Platform {
	t.Helper()
	return StartIn(t, t.TempDir(), accounts)
}

// StartIn is Start with a folder of the caller's, and further flags of `tegami demo`.
func StartIn(t testing.TB, dir string, accounts int, flags ...string) *Platform {
	t.Helper()
	p := start(t, dir, accounts, flags...)
	t.Cleanup(p.releasePorts)
	p.endWith(t, p.Kill)
	return p
}

// StartShared is Start for several tests of one binary: the caller's TestMain calls Kill and removes Dir.
func StartShared(t testing.TB, accounts int) *Platform {
	t.Helper()
	dir, err := os.MkdirTemp("", "tegami-shared")
	if err != nil {
		t.Fatal(err)
	}
	return start(t, dir, accounts)
}

func start(t testing.TB, dir string, accounts int, flags ...string) *Platform {
	t.Helper()
	base, release, err := ports.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	p := &Platform{Dir: filepath.Join(dir, "data"), releasePorts: release}
	p.args = []string{"demo", "--data", p.Dir, "--port-base", strconv.Itoa(base),
		"--accounts", strconv.Itoa(accounts), "--password", Password}
	p.args = append(p.args, flags...)
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.open(t, filepath.Join(dir, "tegami.log"))
	p.Run(t)
	return p
}

// Run starts the program on its folder, again after Kill or Stop.
func (p *Platform) Run(t testing.TB) {
	t.Helper()
	ready := filepath.Join(p.Dir, "demo.json")
	if err := os.Remove(ready); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	p.launch(t, func() bool {
		text, err := os.ReadFile(ready)
		if err != nil {
			return false
		}
		if err := json.Unmarshal(text, &p.Demo); err != nil {
			t.Fatalf("demo.json: %v", err)
		}
		return true
	})
}

// Check runs `tegami check` on the folder of a stopped platform and gives what it said.
func (p *Platform) Check(ctx context.Context, t testing.TB) (string, error) {
	out, err := exec.CommandContext(ctx, Binary(t), "check", "--data", p.Dir).CombinedOutput()
	return string(out), err
}

// User is the login name of the n-th account of the first company.
func User(n int) string { return fmt.Sprintf("user%d@alpha.example", n) }
