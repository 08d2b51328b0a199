package jmap

import "encoding/json"

// RequestError refuses a whole request (RFC 8620 §3.6.1); it is a problem (RFC 7807).
type RequestError struct {
	Type   string `json:"type"`
	Status int    `json:"status"` // of HTTP
	Detail string `json:"detail,omitempty"`
	Limit  string `json:"limit,omitempty"` // the limit that was passed, for LimitError
	// RequestID is the request's own id on a WebSocket (RFC 8887 §4.3.4).
	RequestID string `json:"requestId,omitempty"`
}

func (e *RequestError) Error() string { return e.Type + " " + e.Limit + " " + e.Detail }

// Types of RequestError (RFC 8620 §3.6.1).
const (
	UnknownCapability = "urn:ietf:params:jmap:error:unknownCapability"
	NotJSON           = "urn:ietf:params:jmap:error:notJSON"
	NotRequest        = "urn:ietf:params:jmap:error:notRequest"
	LimitError        = "urn:ietf:params:jmap:error:limit"
)

// Names of limits, as the core capability has them (RFC 8620 §2).
const (
	LimitSize       = "maxSizeRequest"
	LimitCalls      = "maxCallsInRequest"
	LimitRequests   = "maxConcurrentRequests"
	LimitUpload     = "maxSizeUpload"
	LimitUploads    = "maxConcurrentUpload"
	LimitObjectsGet = "maxObjectsInGet"
	LimitObjectsSet = "maxObjectsInSet"
)

// TooMuch is the RequestError for a limit.
func TooMuch(limit string) *RequestError {
	return &RequestError{Type: LimitError, Status: 400, Limit: limit}
}

// MethodError is what became of a call that failed (RFC 8620 §3.6.2). Description is for people, in their language.
type MethodError struct {
	Type        string   `json:"type"`
	Description string   `json:"description,omitempty"`
	Arguments   []string `json:"arguments,omitempty"` // what is wrong, for InvalidArguments
}

func (e *MethodError) Error() string { return e.Type + " " + e.Description }

// Types of MethodError (RFC 8620 §3.6.2, §5).
const (
	ServerUnavailable       = "serverUnavailable"
	ServerFail              = "serverFail"
	ServerPartialFail       = "serverPartialFail"
	UnknownMethod           = "unknownMethod"
	InvalidArguments        = "invalidArguments"
	InvalidResultReference  = "invalidResultReference"
	Forbidden               = "forbidden"
	AccountNotFound         = "accountNotFound"
	AccountNotSupported     = "accountNotSupportedByMethod"
	AccountReadOnly         = "accountReadOnly"
	RequestTooLarge         = "requestTooLarge"
	StateMismatch           = "stateMismatch"
	CannotCalculateChanges  = "cannotCalculateChanges"
	AnchorNotFound          = "anchorNotFound"
	UnsupportedSort         = "unsupportedSort"
	UnsupportedFilter       = "unsupportedFilter"
	TooManyChanges          = "tooManyChanges"
	FromAccountNotFound     = "fromAccountNotFound"
	FromAccountNotSupported = "fromAccountNotSupportedByMethod"
)

// Bad is InvalidArguments for some of them.
func Bad(arguments ...string) *MethodError {
	return &MethodError{Type: InvalidArguments, Arguments: arguments}
}

// SetError is what became of one record that could not be made, changed or destroyed (RFC 8620 §5.3).
type SetError struct {
	Type        string   `json:"type"`
	Description string   `json:"description,omitempty"`
	Properties  []string `json:"properties,omitempty"` // what is wrong, for InvalidProperties
	ExistingID  Id       `json:"existingId,omitempty"` // for AlreadyExists
	// Extra are further members by name, as some types of error have them (maxSize, notFound, invalidRecipients).
	Extra map[string]any `json:"-"`
}

func (e *SetError) Error() string { return e.Type + " " + e.Description }

// MarshalJSON writes the error with its further members.
func (e *SetError) MarshalJSON() ([]byte, error) {
	type plain SetError
	if len(e.Extra) == 0 {
		return json.Marshal((*plain)(e))
	}
	all := map[string]any{}
	for name, value := range e.Extra {
		all[name] = value
	}
	all["type"] = e.Type
	if e.Description != "" {
		all["description"] = e.Description
	}
	if len(e.Properties) > 0 {
		all["properties"] = e.Properties
	}
	if e.ExistingID != "" {
		all["existingId"] = e.ExistingID
	}
	return json.Marshal(all)
}

// Types of SetError (RFC 8620 §5.3, §5.4). Forbidden is one of them as well.
const (
	OverQuota         = "overQuota"
	TooLarge          = "tooLarge"
	RateLimit         = "rateLimit"
	NotFound          = "notFound"
	InvalidPatch      = "invalidPatch"
	WillDestroy       = "willDestroy"
	InvalidProperties = "invalidProperties"
	Singleton         = "singleton"
	AlreadyExists     = "alreadyExists"
)

// BadProperties is InvalidProperties for some of them.
func BadProperties(properties ...string) *SetError {
	return &SetError{Type: InvalidProperties, Properties: properties}
}
