package directory

import "time"

// CodeNow is the code that an authenticator app shows now for a secret.
func CodeNow(secret string) string {
	key, err := totpText.DecodeString(secret)
	if err != nil {
		return ""
	}
	return totpCode(key, time.Now().Unix()/int64(totpStep/time.Second))
}
