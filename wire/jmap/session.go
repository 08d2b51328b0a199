package jmap

// Session tells a client what there is (RFC 8620 §2).
type Session struct {
	Capabilities    map[string]any `json:"capabilities"`
	Accounts        map[Id]Account `json:"accounts"`
	PrimaryAccounts map[string]Id  `json:"primaryAccounts"`
	Username        string         `json:"username"`
	APIURL          string         `json:"apiUrl"`
	DownloadURL     string         `json:"downloadUrl"`
	UploadURL       string         `json:"uploadUrl"`
	EventSourceURL  string         `json:"eventSourceUrl"`
	State           string         `json:"state"`
}

// Account is an account that a session reaches (RFC 8620 §2).
type Account struct {
	Name         string         `json:"name"`
	IsPersonal   bool           `json:"isPersonal"`
	IsReadOnly   bool           `json:"isReadOnly"`
	Capabilities map[string]any `json:"accountCapabilities"`
}

// CoreLimits is the core capability (RFC 8620 §2).
type CoreLimits struct {
	MaxSizeUpload         int64    `json:"maxSizeUpload"`
	MaxConcurrentUpload   int      `json:"maxConcurrentUpload"`
	MaxSizeRequest        int64    `json:"maxSizeRequest"`
	MaxConcurrentRequests int      `json:"maxConcurrentRequests"`
	MaxCallsInRequest     int      `json:"maxCallsInRequest"`
	MaxObjectsInGet       int      `json:"maxObjectsInGet"`
	MaxObjectsInSet       int      `json:"maxObjectsInSet"`
	CollationAlgorithms   []string `json:"collationAlgorithms"`
}

// Uploaded is the answer to an upload (RFC 8620 §6.1).
type Uploaded struct {
	AccountID Id     `json:"accountId"`
	BlobID    Id     `json:"blobId"`
	Type      string `json:"type"`
	Size      int64  `json:"size"`
}

// StateChange tells which types of which accounts have another state (RFC 8620 §7.1).
type StateChange struct {
	Type    string                   `json:"@type"` // "StateChange"
	Changed map[Id]map[string]string `json:"changed"`
	// PushState is where a WebSocket goes on after it was cut (RFC 8887 §4.3.5.2).
	PushState string `json:"pushState,omitempty"`
}
