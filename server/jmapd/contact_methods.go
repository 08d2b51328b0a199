package jmapd

// contactMethods are the methods of address books and cards (RFC 9610).
func contactMethods() []entry { return nil }
