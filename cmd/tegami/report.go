package main

import (
	"fmt"
	"strconv"
	"time"

	"tegami/report"
	"tegami/store"
)

// reportCommand shows what other hosts report about a company's domains.
type reportCommand struct {
	Kind   string `arg:"" help:"dmarc: who sends mail in the domain's name. tls: how TLS to the domain's hosts goes." enum:"dmarc,tls"`
	Tenant string `help:"The company: its id, or a domain it has." required:""`
	Domain string `help:"Only about this domain."`
}

// reportRow is a report as it is printed.
type reportRow struct{ report.Digest }

var reportHeadings = []string{"cli.received", "cli.from", "cli.proved", "cli.domain", "cli.period", "cli.policy", "cli.passed", "cli.failed"}

func (r reportRow) columns() []string {
	return []string{
		r.Received.Format(time.DateTime), r.Organization, strconv.FormatBool(r.Proved), r.Domain,
		fmt.Sprintf("%s-%s", r.Begin.UTC().Format("01-02 15:04"), r.End.UTC().Format("01-02 15:04")),
		r.Policy, strconv.FormatInt(r.Passed, 10), strconv.FormatInt(r.Failed, 10),
	}
}

// Run lists the reports in the order they came.
func (c reportCommand) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenant, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		var rows []reportRow
		for page := (store.Page{}); ; {
			list, err := d.platform.Reports().Reports(d.ctx, tenant, report.Kind(c.Kind), c.Domain, page)
			if err != nil {
				return err
			}
			for _, one := range list {
				rows = append(rows, reportRow{one})
				page.After = one.ID
			}
			if len(list) < store.MaxPage {
				break
			}
		}
		return printList(sh, a.format, reportHeadings, rows)
	})
}
