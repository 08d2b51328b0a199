package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/user"
	"strings"

	"tegami/app"
	"tegami/directory"
	"tegami/mail"
)

// adminCommand holds what operators manage. A server that has the state open runs the command (control.go); otherwise
// it works on the state itself.
type adminCommand struct {
	place
	format
	Tenant    tenantCommands    `cmd:"" help:"Customer companies."`
	Domain    domainCommands    `cmd:"" help:"Mail domains with their plan, number of IDs and options."`
	Account   accountCommands   `cmd:"" help:"Accounts: one ID, one address, one box."`
	Alias     aliasCommands     `cmd:"" help:"Further addresses of accounts."`
	List      listCommands      `cmd:"" help:"Mailing lists."`
	Smarthost smarthostCommands `cmd:"" help:"Hosts that a company's mail leaves by."`
	Report    reportCommand     `cmd:"" help:"What other hosts report about a company's domains (DMARC, TLS)."`
	Queue     queueCommands     `cmd:"" help:"Messages the platform answers for."`
	Reindex   reindexCommand    `cmd:"" help:"Make full-text indexes anew, or show how large they are."`
}

// desk is where an operator works: the open state, and who he is.
type desk struct {
	*shell
	format
	platform *app.Platform
	dir      *directory.Directory
	by       mail.Actor
}

// open opens the state for the command that was chosen and hands it over.
func (a *adminCommand) open(sh *shell, do func(*desk) error) error {
	if p := sh.serving; p != nil {
		return do(&desk{sh, a.format, p, p.Directory(), directory.Operator(sh.operator, "")})
	}
	p, err := a.place.open(sh)
	if err != nil {
		return err
	}
	err = do(&desk{sh, a.format, p, p.Directory(), directory.Operator(operatorName(), "")})
	return errors.Join(err, p.Close())
}

// operatorName is the name of who runs the program, for the operation log (CP-7).
func operatorName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// tenant finds a company by its id, or by one of its domains. NotFound "tenant.unknown", "domain.unknown".
func (d *desk) tenant(ref string) (id mail.TenantID, err error) {
	if id.UnmarshalText([]byte(ref)) == nil {
		_, err := d.dir.Tenant(d.ctx, id)
		return id, err
	}
	const op = "tegami.tenant"
	name, ok := mail.ParseDomain(ref)
	if !ok {
		return 0, mail.E(op, mail.Invalid, "domain.malformed", ref)
	}
	id, ours, err := d.dir.LocalDomain(d.ctx, name)
	if err == nil && !ours {
		err = mail.E(op, mail.NotFound, "domain.unknown", ref)
	}
	return id, err
}

// tenants gives the company that is named, or all of them.
func (d *desk) tenants(ref string) ([]mail.TenantID, error) {
	if ref != "" {
		id, err := d.tenant(ref)
		return []mail.TenantID{id}, err
	}
	all, err := d.dir.Tenants(d.ctx)
	ids := make([]mail.TenantID, 0, len(all))
	for _, t := range all {
		if t.State != directory.TenantOrdered {
			ids = append(ids, t.ID)
		}
	}
	return ids, err
}

// company gives the handle of the company that tenant finds.
func (d *desk) company(ref string) (*directory.Company, error) {
	id, err := d.tenant(ref)
	return d.dir.Company(id), err
}

// companies gives the company that is named, or all of them.
func (d *desk) companies(ref string) ([]*directory.Company, error) {
	ids, err := d.tenants(ref)
	list := make([]*directory.Company, len(ids))
	for i, id := range ids {
		list[i] = d.dir.Company(id)
	}
	return list, err
}

// account finds an account by one of its addresses, with its company.
func (d *desk) account(address string) (*directory.Company, directory.Account, error) {
	addr, err := mail.ParseAddress(address)
	if err != nil {
		return nil, directory.Account{}, err
	}
	c, err := d.company(addr.Domain)
	if err != nil {
		return nil, directory.Account{}, err
	}
	a, err := c.Find(d.ctx, addr)
	return c, a, err
}

// password is where a password is read from: never from the command line, which everybody on the machine can see.
type password struct {
	PasswordFile string `help:"File whose first line is the password; - is standard input." default:"-" type:"path"`
}

// maxPassword bounds what is read of a password's file, in octets.
const maxPassword = 4096

// reads says what a command with a password reads.
func (p password) reads() (string, bool) { return p.PasswordFile, true }

func (p password) read(sh *shell) (string, error) {
	from, err := sh.openInput(p.PasswordFile)
	if err != nil {
		return "", err
	}
	defer from.Close()
	line, err := bufio.NewReader(io.LimitReader(from, maxPassword)).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if err != nil && err != io.EOF {
		return "", mail.Because("tegami.password", mail.Unavailable, "cli.unreadable", err)
	}
	if line == "" {
		return "", mail.E("tegami.password", mail.Invalid, "cli.no_password")
	}
	return line, nil
}
