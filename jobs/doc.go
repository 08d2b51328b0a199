// Package jobs is long work of companies that somebody started and may leave: imports, exports, syncs. A job tells how far it
// is, can be cancelled, leaves a report line by line, and outlives the page that started it and the process that runs it.
//
// # What is stored where
//
//	tenant    "job"          what is known of a job; marked {"job", "open"} until it ended
//	tenant    "job-payload"  its input, its report and its sheet in portions, sealed; marked {"job-payload", "ID part"}
//	platform  "job-due"      that there is a job, when it is due next, and the key its payload is sealed with
//
// The entry of the platform is written before the job and removed after it, so no job is ever forgotten; one that leads
// nowhere is removed after a minute. Removing it destroys the key, and with it what backups still have of the payload.
//
// # Who runs it
//
// One process leads for the installation. It runs a few jobs at once, never two of one company, the company first
// that waited longest. A job acts as who started it, with the rights that one has when it runs.
//
// # Restart
//
// Work that commits once (an import) calls Task.Commit in its transaction, which makes the job done in the same commit. If the process ends
// before, nothing was done and the job runs again; if after, the job is done. Kinds that can't say so are marked interrupted.
package jobs
