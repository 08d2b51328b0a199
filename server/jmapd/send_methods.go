package jmapd

// sendMethods are the methods of identities, submissions and read receipts.
func sendMethods() []entry { return nil }
