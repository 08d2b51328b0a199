package directory

import (
	"tegami/mail"
)

// opTexts are the catalogue keys of what operations are called in the operation log.
var opTexts = map[mail.Op]string{
	"directory.AddAccounts":           "act.add_accounts",
	"directory.AddLine":               "act.add_accounts",
	"bulk.import":                     "act.import",
	"directory.ChangeAccount":         "act.change_account",
	"directory.SetAccountState":       "act.set_account_state",
	"directory.DeleteAccount":         "act.delete_account",
	"directory.RestoreAccount":        "act.restore_account",
	"directory.DestroyAccount":        "act.destroy_account",
	"directory.Tend":                  "act.tend",
	"directory.AddAlias":              "act.add_alias",
	"directory.RemoveAlias":           "act.remove_alias",
	"directory.SetForwarding":         "act.set_forwarding",
	"directory.StopSending":           "act.stop_sending",
	"directory.ResumeSending":         "act.resume_sending",
	"directory.SetSeat":               "act.set_seat",
	"directory.SetPassword":           "act.set_password",
	"directory.ResetPassword":         "act.reset_password",
	"directory.AddAppPassword":        "act.add_app_password",
	"directory.RevokeAppPassword":     "act.revoke_app_password",
	"directory.AddPasskey":            "act.add_passkey",
	"directory.RegisterPasskey":       "act.register_passkey",
	"directory.RemoveFactors":         "act.remove_factors",
	"directory.RemoveOperatorFactors": "act.remove_factors",
	"directory.EndAccountSession":     "act.end_session",
	"directory.EndOtherSessions":      "act.end_session",
	"directory.ForgetBrowser":         "act.forget_browser",
	"directory.SetGrants":             "act.set_grants",
	"directory.AddKey":                "act.add_key",
	"directory.RevokeKey":             "act.revoke_key",
	"directory.AddOperatorKey":        "act.add_key",
	"directory.RevokeOperatorKey":     "act.revoke_key",
	"directory.AddOperator":           "act.add_operator",
	"directory.ChangeOperator":        "act.change_operator",
	"directory.RemoveOperator":        "act.remove_operator",
	"directory.SetOperatorPassword":   "act.set_password",
	"directory.AddGroup":              "act.add_group",
	"directory.SetGroup":              "act.set_group",
	"directory.ChangeGroup":           "act.change_group",
	"directory.DeleteGroup":           "act.delete_group",
	"directory.RenameDepartment":      "act.rename_department",
	"directory.AddContact":            "act.add_contact",
	"directory.SetContact":            "act.set_contact",
	"directory.DeleteContact":         "act.delete_contact",
	"directory.AddList":               "act.add_list",
	"directory.SetList":               "act.change_list",
	"directory.ChangeList":            "act.change_list",
	"directory.DeleteList":            "act.delete_list",
	"directory.AddMembers":            "act.change_members",
	"directory.RemoveMembers":         "act.change_members",
	"directory.ChangeMembers":         "act.change_members",
	"directory.ResumeMember":          "act.resume_member",
	"directory.Unsubscribe":           "act.unsubscribe",
	"directory.NextPost":              "act.next_post",
	"directory.SetSettings":           "act.set_settings",
	"directory.SetSecurity":           "act.set_security",
	"directory.SetPlatformSecurity":   "act.set_security",
	"directory.ConfirmAccess":         "act.confirm_access",
	"directory.SetLogo":               "act.set_logo",
	"directory.RemoveLogo":            "act.remove_logo",
	"directory.AddDomain":             "act.add_domain",
	"directory.ChangeDomain":          "act.change_domain",
	"directory.RemoveDomain":          "act.remove_domain",
	"directory.VerifyDomain":          "act.verify_domain",
	"directory.VouchDomain":           "act.vouch_domain",
	"directory.OpenTenant":            "act.open_tenant",
	"directory.Open":                  "act.open_tenant",
	"directory.ChangeTenant":          "act.change_tenant",
	"directory.SetTenantState":        "act.set_tenant_state",
	"directory.RotateTokens":          "act.rotate_tokens",
	"directory.Tokens":                "act.rotate_tokens",
	"directory.saltSecret":            "act.rotate_tokens",
	"directory.BeginAsk":              "act.ask",
	"directory.EndAsk":                "act.ask",
	"directory.KeepLogs":              "act.keep_logs",
	"directory.ForgetLog":             "act.forget_log",
	"directory.ExportLog":             "act.export_log",
	"domains.Rotate":                  "act.rotate_key",
	"domains.Activate":                "act.activate_key",
	"domains.Tend":                    "act.tend_keys",
	"domains.SetSTS":                  "act.set_sts",
	"domains.SetSmartHost":            "act.set_smart_host",
	"domains.RemoveSmartHost":         "act.remove_smart_host",
	"billing.Record":                  "act.record_order",
	"billing.Amend":                   "act.amend_order",
	"billing.Begin":                   "act.begin_order",
	"billing.Cancel":                  "act.cancel_order",
	"billing.Complete":                "act.complete_order",
	"billing.LoadHolidays":            "act.load_holidays",
	"billing.SetPayer":                "act.set_payer",
	"billing.SetSettings":             "act.set_billing",
	"jobs.Start":                      "act.start_job",
	"jobs.Cancel":                     "act.cancel_job",
	"jobs.TakeSheet":                  "act.take_sheet",
	"mailbox.PutScript":               "act.put_script",
	"mailbox.ActivateScript":          "act.activate_script",
	"mailbox.DeleteScript":            "act.delete_script",
	"mailbox.RenameScript":            "act.rename_script",
	"queue.Release":                   "act.release_item",
	"queue.Hold":                      "act.hold_item",
	"queue.Remove":                    "act.remove_item",
	"queue.Flush":                     "act.flush_item",
	"queue.FlushRoute":                "act.flush_item",
	"deliver.Moderate":                "act.moderate",
}

// OpText is the key of what an operation is called, as a line of the log tells of it.
func OpText(l *LogLine) string {
	if key, ok := opTexts[l.Op]; ok {
		return key
	}
	if l.Seen {
		return "act.seen"
	}
	return "act.other"
}

// actorTexts are the keys of what capacities are called.
var actorTexts = map[mail.ActorRole]string{
	mail.User: "actor.user", mail.Admin: "actor.admin", mail.Operator: "actor.operator", mail.Observer: "actor.observer",
	mail.Platform: "actor.platform",
}

// say is a text in the language of the file.
func (f LogFile) say(key string) string { return f.Words.Text(f.Lang, key) }
