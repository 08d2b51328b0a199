package directory

// passkeyDoc is a passkey as stored.
type passkeyDoc struct{}
