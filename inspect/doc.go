// Package inspect looks into messages while they are accepted: for viruses (VC-1), and for what the spam filter judges by (SF-1, SF-3).
//
//	Service.Look ──► Look ──► Virus     what the engines found, what was down
//	                      ──► Clean     the message without its harmful attachments (VC-3)
//	                      ──► Score     how likely it is spam, for one company
//
// It puts together what others find: package cell takes attachments apart in a process of its own, package virus asks the engines, package spam
// weighs. Everything stands under one deadline. What was not found out in time is a fact with a rule, never silence: an attachment that could not
// be taken apart is unscannable, an engine that did not answer is down.
package inspect
