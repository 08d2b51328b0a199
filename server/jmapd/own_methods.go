package jmapd

import "slices"

// ownMethods are the methods of what is the user's own beside mail: blobs, quota, push, settings, scripts, rules, vacation, quarantine.
func ownMethods() []entry {
	return slices.Concat(blobMethods(), quotaMethods(), settingsMethods(), sieveMethods(), ruleMethods(), vacationMethods(), pushMethods(), quarantineMethods(), senderMethods())
}
