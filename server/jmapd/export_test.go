package jmapd

// Capabilities are all that a client may use.
var Capabilities = capabilities

// Method is a line of the table, for the walk over all.
type Method struct {
	Name, Capability string
	Free, Writes     bool
}

// Methods is the table.
func Methods() (list []Method) {
	for _, e := range methods() {
		list = append(list, Method{e.Name, e.Capability, e.Access == free, e.Access == writes || e.Access == own})
	}
	return list
}
